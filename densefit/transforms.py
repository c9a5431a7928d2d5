"""Transforms of samples, from `densefit.data.transforms`."""

from densefit.data.transforms import *  # noqa: F403
from densefit.data.transforms import __all__ as __all__
