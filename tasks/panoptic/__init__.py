"""Panoptic segmentation: stuff and things in one map. Importing this package registers the head."""

from .head import Panoptic

__all__ = ["Panoptic"]
