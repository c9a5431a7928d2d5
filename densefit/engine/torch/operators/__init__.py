"""MXNet's operators computed with PyTorch, by kind; importing the package registers them."""

from importlib import import_module
from pkgutil import iter_modules

from densefit.engine.torch.operators.registry import operator, supported

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["operator", "supported"]
