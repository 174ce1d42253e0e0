"""How much a met condition is worth: filler, exceptions, and conditions that earn their keep."""
