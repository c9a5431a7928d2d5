"""Datasets of boxes in text files, one file an image."""

from __future__ import annotations

from .text_boxes import TextBoxes

__all__ = ["TextBoxes"]
