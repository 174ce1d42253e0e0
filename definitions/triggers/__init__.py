"""Expansion triggers: what happens at a customer that is worth a conversation, and whose it is."""
