"""Several datasets in one stream."""

from densefit.old_paths import attributes_of

__getattr__ = attributes_of(__name__)  # it was a module
