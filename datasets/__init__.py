"""Readers of data sets; importing this registers them all."""

from __future__ import annotations

from densefit.datasets.coco.coco import COCO
from densefit.datasets.cvat.cvat import CVAT
from densefit.datasets.labelme.labelme import Labelme
from densefit.datasets.record.record import Record
from densefit.datasets.supervisely.supervisely import Supervisely
from densefit.datasets.voc.voc import VOC

from .depth_folder import DepthFolder
from .image_files import ImageFiles
from .image_folder import ImageFolder
from .mask_folder import MaskFolder
from .shapes import Shapes

__all__ = [
    "COCO",
    "CVAT",
    "VOC",
    "DepthFolder",
    "ImageFiles",
    "ImageFolder",
    "Labelme",
    "MaskFolder",
    "Record",
    "Shapes",
    "Supervisely",
]
