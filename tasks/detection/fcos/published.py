"""Names of the head's layers in torchvision's files of whole detectors."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.checkpoint.weights.maps.class_lists import COCO
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import Row

from ..pyramid_names import BODY, pyramid_rows
from .head import FCOS

_CLASS, _BOX = "head.classification_head", "head.regression_head"


@head_layouts_of.register
def _(head: FCOS, parameters: Sequence[str]) -> dict[str, HeadMap]:
    layers: dict[str, Row] = {
        "class": (f"{_CLASS}.cls_logits", None),
        "box": (f"{_BOX}.bbox_reg", None),
        "centerness": (f"{_BOX}.bbox_ctrness", None),
    }
    for kind, theirs in (("class", _CLASS), ("box", _BOX)):
        for number in range(head.depth):
            conv = f"{theirs}.conv"
            layers[f"{kind}_tower{number}"] = (f"{conv}.{3 * number}", f"{conv}.{3 * number + 1}")
    return {
        title: HeadMap({**pyramid_rows(head.strides, older), **layers}, BODY, class_lists=(COCO,))
        for title, older in (
            ("torchvision's FCOS", False),
            ("torchvision's FCOS before 0.13", True),
        )
    }
