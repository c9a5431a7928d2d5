"""MXNet's operators computed with PyTorch, by kind; importing the package registers them."""

from densefit.engine.torch.operators import layers
from densefit.engine.torch.operators.registry import operator, supported

__all__ = ["layers", "operator", "supported"]
