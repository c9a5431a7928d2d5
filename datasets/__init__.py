"""Readers of data sets; importing this registers them all."""

from __future__ import annotations

from densefit.datasets.coco.coco import COCO
from densefit.datasets.csv_boxes.csv_boxes import CSVBoxes
from densefit.datasets.cvat.cvat import CVAT
from densefit.datasets.depth.kitti import KITTIDepth
from densefit.datasets.depth.nyu import NYUDepth
from densefit.datasets.labelimg.labelimg import LabelImg
from densefit.datasets.labelme.labelme import Labelme
from densefit.datasets.record.record import Record
from densefit.datasets.semantic.ade20k import ADE20K
from densefit.datasets.semantic.cityscapes import Cityscapes
from densefit.datasets.semantic.voc_segmentation import VOCSegmentation
from densefit.datasets.shards.shards import Shards
from densefit.datasets.supervisely.supervisely import Supervisely
from densefit.datasets.text_boxes.text_boxes import TextBoxes
from densefit.datasets.voc.voc import VOC
from densefit.datasets.yolo.yolo import YOLO

from .depth_folder import DepthFolder
from .image_files import ImageFiles
from .image_folder import ImageFolder
from .mask_folder import MaskFolder
from .shapes import Shapes

__all__ = [
    "ADE20K",
    "COCO",
    "CSVBoxes",
    "CVAT",
    "VOC",
    "YOLO",
    "Cityscapes",
    "DepthFolder",
    "ImageFiles",
    "ImageFolder",
    "KITTIDepth",
    "Labelme",
    "LabelImg",
    "MaskFolder",
    "NYUDepth",
    "Record",
    "Shapes",
    "Shards",
    "TextBoxes",
    "VOCSegmentation",
    "Supervisely",
]
