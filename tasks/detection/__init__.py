"""Detection: boxes with classes and scores. Importing this package registers the heads."""

from .faster_rcnn import FasterRCNN
from .head import Detection

__all__ = ["Detection", "FasterRCNN"]
