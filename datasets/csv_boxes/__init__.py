"""Datasets of boxes in tables."""

from __future__ import annotations

from .csv_boxes import CSVBoxes

__all__ = ["CSVBoxes"]
