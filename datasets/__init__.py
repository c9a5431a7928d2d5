"""Readers of data sets; importing this registers them all."""

from __future__ import annotations

from .coco import COCO
from .depth_folder import DepthFolder
from .image_folder import ImageFolder
from .mask_folder import MaskFolder
from .record import Record
from .shapes import Shapes
from .voc import VOC

__all__ = ["COCO", "VOC", "DepthFolder", "ImageFolder", "MaskFolder", "Record", "Shapes"]
