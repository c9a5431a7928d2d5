"""Batches of a dataset, made ahead by threads or processes."""

from densefit.old_paths import attributes_of

__getattr__ = attributes_of(__name__)  # it was a module
