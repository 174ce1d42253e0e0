"""Working time: which seconds of the clock count."""
