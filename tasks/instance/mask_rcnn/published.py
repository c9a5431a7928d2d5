"""Names of the head's layers in torchvision's files of whole detectors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from densefit.checkpoint.weights.maps.class_lists import COCO
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import Row
from densefit.tasks.detection.faster_rcnn.published import (
    class_names,
    detector_classes,
    detector_rows,
)
from densefit.tasks.detection.pyramid_names import BODY

from .head import MaskRCNN
from .layers import CONVOLUTIONS


@head_layouts_of.register
def _(head: MaskRCNN, parameters: Sequence[str]) -> dict[str, HeadMap]:
    return {
        title: HeadMap(_rows(head, older), BODY, class_lists=(COCO,), class_rows=_classes)
        for title, older in (
            ("torchvision's Mask R-CNN", False),
            ("torchvision's Mask R-CNN before 0.13", True),
        )
    }


def _rows(head: MaskRCNN, older: bool) -> dict[str, Row]:
    rows = detector_rows(head.detector, older)
    for index in range(CONVOLUTIONS):
        theirs = f"mask_fcn{index + 1}" if older else f"{index}.0"
        rows[f"mask_conv{index}"] = (f"roi_heads.mask_head.{theirs}", None)
    rows["mask_deconv"] = ("roi_heads.mask_predictor.conv5_mask", None)
    rows["mask"] = ("roi_heads.mask_predictor.mask_fcn_logits", None)
    return rows


def _classes(names: Sequence[str]) -> dict[str, list[Hashable]]:
    return {**detector_classes(names), "mask": [*class_names(names)]}
