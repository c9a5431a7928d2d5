"""How the heads of a network share its backbone, from `densefit.model.sharing`."""

from densefit.model.sharing import *  # noqa: F403
from densefit.model.sharing import __all__ as __all__
