"""Pages about clocks: what a team owes, what was late and why, how fast the first touch is, where leads disappear."""
