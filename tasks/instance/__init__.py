"""Instance segmentation: a mask for every object. Importing this package registers the heads."""

from .head import Instance
from .mask_rcnn import MaskRCNN

__all__ = ["Instance", "MaskRCNN"]
