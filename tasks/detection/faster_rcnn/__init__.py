"""Faster R-CNN. Importing this package registers the head."""

from . import published
from .head import FasterRCNN

__all__ = ["FasterRCNN", "published"]
