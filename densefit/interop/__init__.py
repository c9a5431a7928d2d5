"""What programs written for MXNet bring: how it is taken in, and what it really does.

Importing this package registers the adapters that `fit` and `score` ask (`densefit.adapters`).
"""

from densefit.interop.batches import batches
from densefit.interop.block import of_block
from densefit.interop.module import of_module

__all__ = ["batches", "of_block", "of_module"]
