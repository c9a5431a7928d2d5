"""YOLOX. Importing this package registers the head."""

from .head import YOLOX

__all__ = ["YOLOX"]
