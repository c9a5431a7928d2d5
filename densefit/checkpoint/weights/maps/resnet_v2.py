"""ResNet v2's names: MXNet's model zoo and GluonCV."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import NameMap, Rows
from densefit.model.backbones.resnet_v2 import ResNetV2

_ENDS = {
    "gamma": (1, "gamma"),
    "beta": (1, "beta"),
    "moving_mean": (1, "running_mean"),
    "moving_var": (1, "running_var"),
    "weight": (0, "weight"),
}
_BLOCK = "features.{stage+4}.{block}"
_ROWS: Rows = {
    "stem_data_bn": (None, "features.0"),
    "stem": ("features.1", None),
    "stem_bn": (None, "features.2"),
    "layer{stage}_{block}_bn{n}": (None, f"{_BLOCK}.bn{{n}}"),
    "layer{stage}_{block}_conv{n}": (f"{_BLOCK}.conv{{n}}", None),
    "layer{stage}_{block}_shortcut": (f"{_BLOCK}.downsample", None),
    "final_bn": (None, "features.9"),
}


@layouts_of.register
def _(backbone: ResNetV2) -> dict[str, NameMap]:
    return {
        "MXNet's model zoo and GluonCV v2": NameMap(_ROWS, _ENDS, ("features.*",), ("output.*",))
    }
