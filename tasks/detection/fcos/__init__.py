"""FCOS. Importing this package registers the head."""

from .head import FCOS

__all__ = ["FCOS"]
