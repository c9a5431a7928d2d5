"""Semantic segmentation: a class for every pixel."""

from .head import Segmentation

__all__ = ["Segmentation"]
