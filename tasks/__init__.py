"""The built-in tasks; importing this package registers them."""

from . import classification, detection, instance, panoptic, segmentation

__all__ = ["classification", "detection", "instance", "panoptic", "segmentation"]
