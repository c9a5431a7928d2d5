"""Mask R-CNN. Importing this package registers the head."""

from .head import MaskRCNN

__all__ = ["MaskRCNN"]
