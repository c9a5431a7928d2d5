"""What programs written for MXNet bring: how it is taken in, and what it really does.

Importing this package registers the adapters that `fit` and `score` ask (`densefit.adapters`).
"""

from densefit.interop import iterators

__all__ = ["iterators"]
