"""What products and other tools tell us."""
