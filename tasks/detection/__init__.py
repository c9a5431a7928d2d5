"""Detection: boxes with classes and scores. Importing this package registers the heads."""

from .head import Detection
from .retinanet import RetinaNet

__all__ = ["Detection", "RetinaNet"]
