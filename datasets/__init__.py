"""Readers of datasets, each imported when it is first used; `register_all` imports all of them.

A worker process that unpickles one dataset imports no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from densefit.datasets.bdd100k.bdd100k import BDD100K
    from densefit.datasets.coco.coco import COCO
    from densefit.datasets.csv_boxes.csv_boxes import CSVBoxes
    from densefit.datasets.cvat.cvat import CVAT
    from densefit.datasets.depth.kitti import KITTIDepth
    from densefit.datasets.depth.nyu import NYUDepth
    from densefit.datasets.depth.nyu_mat import NYUDepthMat
    from densefit.datasets.depth.nyuv2 import NYUv2
    from densefit.datasets.labelimg.labelimg import LabelImg
    from densefit.datasets.labelme.labelme import Labelme
    from densefit.datasets.record.record import Record
    from densefit.datasets.rooms.rooms import Rooms
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
    "BDD100K",
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
    "NYUDepthMat",
    "NYUv2",
    "Record",
    "Rooms",
    "Shapes",
    "Shards",
    "TextBoxes",
    "VOCSegmentation",
    "Supervisely",
]

#: Name -> the module that defines it.
_NAMES = {
    "ADE20K": "semantic.ade20k",
    "BDD100K": "bdd100k.bdd100k",
    "COCO": "coco.coco",
    "CSVBoxes": "csv_boxes.csv_boxes",
    "CVAT": "cvat.cvat",
    "VOC": "voc.voc",
    "YOLO": "yolo.yolo",
    "Cityscapes": "semantic.cityscapes",
    "DepthFolder": "depth_folder",
    "ImageFiles": "image_files",
    "ImageFolder": "image_folder",
    "KITTIDepth": "depth.kitti",
    "Labelme": "labelme.labelme",
    "LabelImg": "labelimg.labelimg",
    "MaskFolder": "mask_folder",
    "NYUDepth": "depth.nyu",
    "NYUDepthMat": "depth.nyu_mat",
    "NYUv2": "depth.nyuv2",
    "Record": "record.record",
    "Rooms": "rooms.rooms",
    "Shapes": "shapes",
    "Shards": "shards.shards",
    "TextBoxes": "text_boxes.text_boxes",
    "VOCSegmentation": "semantic.voc_segmentation",
    "Supervisely": "supervisely.supervisely",
}


def register_all() -> None:
    """Import every dataset, which registers it; `densefit.registry.load_plugins` calls this."""
    for module in _NAMES.values():
        import_module(f"{__name__}.{module}")


if not TYPE_CHECKING:  # which would take every attribute for one that exists

    def __getattr__(name: str) -> Any:
        if name not in _NAMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
