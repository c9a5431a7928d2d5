"""Eval graphs -> outputs: executors of several shapes, on the current parameters."""
