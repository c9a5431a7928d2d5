"""The built-in tasks; importing this package registers them."""

from . import classification, depth, detection, instance, multilabel, normals, panoptic, segmentation

__all__ = ["classification", "depth", "detection", "instance", "multilabel", "normals", "panoptic", "segmentation"]
