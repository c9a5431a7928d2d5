"""The built-in tasks; importing this package registers them."""

from . import classification, detection, segmentation

__all__ = ["classification", "detection", "segmentation"]
