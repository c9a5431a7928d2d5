"""FCOS. Importing this package registers the head."""

from . import published
from .head import FCOS

__all__ = ["FCOS", "published"]
