"""The built-in tasks, a folder each; importing this package registers them all."""

from . import classification, detection, keypoints, segmentation

__all__ = ["classification", "detection", "keypoints", "segmentation"]
