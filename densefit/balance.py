"""Loss balancing of several heads, from `densefit.train.balance`."""

from densefit.train.balance import *  # noqa: F403
from densefit.train.balance import __all__ as __all__
