"""Weights out of a checkpoint, also into another network."""
