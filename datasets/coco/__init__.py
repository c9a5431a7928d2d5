"""COCO and files in its format."""

from .coco import COCO

__all__ = ["COCO"]
