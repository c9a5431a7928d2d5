"""Threads and processes that load samples ahead of the consumer."""

from densefit.old_paths import attributes_of

__getattr__ = attributes_of(__name__)  # it was a module
