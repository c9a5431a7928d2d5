"""Faster R-CNN. Importing this package registers the head."""

from .head import FasterRCNN

__all__ = ["FasterRCNN"]
