"""Detection: boxes with classes and scores. Importing this package registers the heads."""

from .fcos import FCOS
from .head import Detection
from .retinanet import RetinaNet

__all__ = ["FCOS", "Detection", "RetinaNet"]
