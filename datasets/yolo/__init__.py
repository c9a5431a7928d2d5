"""Datasets in the layouts of YOLO: Ultralytics, Roboflow, Darknet."""

from __future__ import annotations

from .yolo import YOLO

__all__ = ["YOLO"]
