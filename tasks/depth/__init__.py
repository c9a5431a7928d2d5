"""Monocular depth: metres for every pixel."""

from .head import Depth

__all__ = ["Depth"]
