"""Eval graphs -> outputs: executors of several shapes, on the parameters of the moment."""
