"""Folders of labelme."""

from .labelme import Labelme

__all__ = ["Labelme"]
