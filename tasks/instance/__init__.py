"""Instance segmentation: a mask for every object. Importing this package registers the head."""

from .head import Instance

__all__ = ["Instance"]
