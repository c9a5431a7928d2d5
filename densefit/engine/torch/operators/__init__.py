"""MXNet's operators computed with PyTorch, by kind; importing the package registers them."""

from importlib import import_module
from pkgutil import walk_packages

from densefit.engine.torch.operators.registry import operator, supported

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)

__all__ = ["operator", "supported"]
