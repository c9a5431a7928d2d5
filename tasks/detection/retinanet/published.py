"""Names of the head's layers in torchvision's files of whole detectors."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.checkpoint.weights.maps.class_lists import COCO
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import Row

from ..pyramid_names import BODY, pyramid_rows
from .head import RetinaNet

_CLASS, _BOX = "head.classification_head", "head.regression_head"


@head_layouts_of.register
def _(head: RetinaNet, parameters: Sequence[str]) -> dict[str, HeadMap]:
    count = len(head.shapes((64, 64))[0])
    return {
        title: HeadMap(
            _rows(head, older),
            BODY,
            class_lists=(COCO,),
            class_rows=lambda names: {
                "class": [(count, anchor, name) for anchor in range(count) for name in names]
            },
        )
        for title, older in (
            ("torchvision's RetinaNet", False),
            ("torchvision's RetinaNet before 0.13", True),
        )
    }


def _rows(head: RetinaNet, older: bool) -> dict[str, Row]:
    rows: dict[str, Row] = {
        **pyramid_rows(head.strides, older),
        "class": (f"{_CLASS}.cls_logits", None),
        "box": (f"{_BOX}.bbox_reg", None),
    }
    for kind, theirs in (("class", _CLASS), ("box", _BOX)):
        for number in range(head.depth):
            layer = f"{theirs}.conv.{2 * number}" if older else f"{theirs}.conv.{number}.0"
            rows[f"{kind}_tower{number}"] = (layer, f"{theirs}.conv.{number}.1")
    return rows
