"""VGG-16's names: torchvision, and torchvision's SSD.

The reduced network has fc6 and fc7 of every third cell and every fourth channel of the classifier
(Chen et al. 2015, DeepLab; Liu et al. 2016, SSD).
"""

from __future__ import annotations

import numpy as np

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row
from densefit.model.backbones.input_normalization import InputNormalization
from densefit.model.backbones.vgg import STAGES, VGG16

#: torchvision's SSD: of RGB in [0, 1], without a division.
SSD = InputNormalization((0.48235, 0.45882, 0.40784), (1 / 255,) * 3, scale=255)


def _numbered(has_bn: bool) -> dict[str, Row]:
    """The layers of torchvision's Sequential are numbered through."""
    rows: dict[str, Row] = {}
    number = 0
    for stage, (layers, _) in enumerate(STAGES, start=1):
        for layer in range(layers):
            norm = f"features.{number + 1}" if has_bn else None
            rows[f"stage{stage}_{layer}"] = (f"features.{number}", norm)
            number += 3 if has_bn else 2
        number += 1  # the pooling
    return rows


def _ssd() -> dict[str, Row]:
    rows = _numbered(has_bn=False)
    for layer, number in zip(("stage5_0", "stage5_1", "stage5_2"), (1, 3, 5)):
        rows[layer] = (f"extra.0.{number}", None)
    return {**rows, "fc6": ("extra.0.7.1", None), "fc7": ("extra.0.7.3", None)}


def _every_fourth(array: np.ndarray) -> np.ndarray:
    """(4096,) biases, or (4096, 4096) weights of fc7 as those of a 1x1 convolution."""
    return array[::4] if array.ndim == 1 else array[::4, ::4, None, None]


def _every_third_cell(array: np.ndarray) -> np.ndarray:
    """(4096, 25088) weights of fc6 as those of a 3x3 convolution of 1024 channels."""
    return array.reshape(array.shape[0], -1, 7, 7)[::4, :, ::3, ::3]


@layouts_of.register
def _(backbone: VGG16) -> dict[str, NameMap]:
    rows, body = _numbered(backbone.has_bn), ("features.*",)
    if not backbone.is_reduced:
        unused = ("classifier.*",)
        return {"torchvision": NameMap(rows, TORCH, body, unused, stem="stage1_0")}
    dense: dict[str, Row] = {"fc6": ("classifier.0", None), "fc7": ("classifier.3", None)}
    reduced = NameMap(
        {**rows, **dense},
        TORCH,
        body,
        ("classifier.6.*",),
        stem="stage1_0",
        convert={
            "fc6_weight": _every_third_cell,
            "fc6_bias": _every_fourth,
            "fc7_weight": _every_fourth,
            "fc7_bias": _every_fourth,
        },
    )
    if backbone.has_bn:
        return {"torchvision": reduced}
    ssd = NameMap(
        _ssd(), TORCH, ("features.*", "extra.0.*"), ("extra.?.*", "scale_weight"), SSD, "stage1_0"
    )
    return {"torchvision": reduced, "torchvision's SSD": ssd}
