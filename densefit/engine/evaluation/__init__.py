"""Eval graphs -> outputs, batch by batch, for every engine."""
