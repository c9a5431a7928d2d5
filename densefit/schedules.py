"""Learning-rate schedules, from `densefit.train.schedules`."""

from densefit.train.schedules import *  # noqa: F403
from densefit.train.schedules import __all__ as __all__
