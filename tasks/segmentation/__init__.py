"""Semantic segmentation: a class for every pixel. Importing this package registers the head."""

from . import published
from .head import Segmentation

__all__ = ["Segmentation", "published"]
