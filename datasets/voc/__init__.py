"""PASCAL VOC and folders of its shape."""

from .voc import VOC

__all__ = ["VOC"]
