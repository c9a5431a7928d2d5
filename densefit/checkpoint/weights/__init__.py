"""Weights of checkpoints: loading, saving, and transfer into another network."""
