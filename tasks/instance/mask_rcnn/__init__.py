"""Mask R-CNN. Importing this package registers the head."""

from . import published
from .head import MaskRCNN

__all__ = ["MaskRCNN", "published"]
