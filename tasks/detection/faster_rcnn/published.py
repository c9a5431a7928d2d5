"""Names of the head's layers in torchvision's files of whole detectors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from densefit.checkpoint.weights.maps.class_lists import BACKGROUND, COCO
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import Row

from ..pyramid_names import BODY, pyramid_rows
from .head import FasterRCNN

_BOXES = "roi_heads.box_predictor"


@head_layouts_of.register
def _(head: FasterRCNN, parameters: Sequence[str]) -> dict[str, HeadMap]:
    return {
        title: HeadMap(
            detector_rows(head, older), BODY, class_lists=(COCO,), class_rows=detector_classes
        )
        for title, older in (
            ("torchvision's Faster R-CNN", False),
            ("torchvision's Faster R-CNN before 0.13", True),
        )
    }


def detector_rows(head: FasterRCNN, older: bool) -> dict[str, Row]:
    """Layer of the head, without its name -> its name in the file.

    Args:
        head: the head.
        older: whether the file is of torchvision before 0.13.
    """
    return {
        **pyramid_rows([stride for stride in head.strides if stride <= 32], older),
        "rpn": ("rpn.head.conv" if older else "rpn.head.conv.0.0", None),
        "rpn_objectness": ("rpn.head.cls_logits", None),
        "rpn_box": ("rpn.head.bbox_pred", None),
        "fc6": ("roi_heads.box_head.fc6", None),
        "fc7": ("roi_heads.box_head.fc7", None),
        "class": (f"{_BOXES}.cls_score", None),
        "box": (f"{_BOXES}.bbox_pred", None),
    }


def detector_classes(names: Sequence[str]) -> dict[str, list[Hashable]]:
    """Layer of the head -> class of each row, named as in `FasterRCNN.class_rows`."""
    rows = class_names(names)
    return {"class": [*rows], "box": [(index, row) for row in rows for index in range(4)]}


def class_names(names: Sequence[str]) -> list[str | None]:
    """Names of the rows of the file's classes; None is the background."""
    return [None if name == BACKGROUND else name for name in names]
