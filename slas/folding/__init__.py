"""The parts of the clock fold. Everybody outside imports them from ``slas.fold``."""
