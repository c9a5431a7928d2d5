"""YOLOX. Importing this package registers the head."""

from . import published
from .head import YOLOX

__all__ = ["YOLOX", "published"]
