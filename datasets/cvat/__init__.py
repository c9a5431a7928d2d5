"""Exports of CVAT in its own format."""

from .cvat import CVAT

__all__ = ["CVAT"]
