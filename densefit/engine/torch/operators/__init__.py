"""MXNet's operators computed with PyTorch, by kind; importing the package registers them."""

from densefit.engine.torch.operators import box_overlap, layers, nms
from densefit.engine.torch.operators.registry import operator, supported

__all__ = ["box_overlap", "layers", "nms", "operator", "supported"]
