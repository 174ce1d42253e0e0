"""Somebody left: what is still open of theirs, in every room, and who takes it."""
