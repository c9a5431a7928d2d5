"""Detection: boxes with classes and scores. Importing this package registers the heads."""

from .faster_rcnn import FasterRCNN
from .fcos import FCOS
from .head import Detection
from .retinanet import RetinaNet
from .yolox import YOLOX

__all__ = ["FCOS", "YOLOX", "Detection", "FasterRCNN", "RetinaNet"]
