"""This is not on me: reasons, decisions, and what they leave of the numbers."""
