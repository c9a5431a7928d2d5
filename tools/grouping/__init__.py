"""Which heads to train together."""
