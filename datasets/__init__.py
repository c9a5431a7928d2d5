"""Readers of data sets; importing this registers them all."""

from __future__ import annotations

from densefit.datasets.coco.coco import COCO
from densefit.datasets.csv_boxes.csv_boxes import CSVBoxes
from densefit.datasets.record.record import Record
from densefit.datasets.text_boxes.text_boxes import TextBoxes
from densefit.datasets.voc.voc import VOC
from densefit.datasets.yolo.yolo import YOLO

from .depth_folder import DepthFolder
from .image_files import ImageFiles
from .image_folder import ImageFolder
from .mask_folder import MaskFolder
from .shapes import Shapes

__all__ = [
    "COCO",
    "CSVBoxes",
    "VOC",
    "YOLO",
    "DepthFolder",
    "ImageFiles",
    "ImageFolder",
    "MaskFolder",
    "Record",
    "Shapes",
    "TextBoxes",
]
