"""ResNet's names: torchvision, timm (v1d too), GluonCV's v1b, and MXNet's model zoo.

MXNet's zoo has the stride of a bottleneck in its first convolution (v1), so that only the networks
of basic blocks are the same there: 18 and 34 layers.
"""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import GLUON, TORCH, NameMap, Rows
from densefit.model.backbones.resnet import ResNet

_BODY = ("conv1.*", "bn1.*", "layer?.*")
_BLOCKS: Rows = {
    f"layer{{stage}}_{{block}}_conv{number}": (
        f"layer{{stage}}.{{block}}.conv{number}",
        f"layer{{stage}}.{{block}}.bn{number}",
    )
    for number in (1, 2, 3)
}
_PLAIN: Rows = {
    "stem": ("conv1", "bn1"),
    **_BLOCKS,
    "layer{stage}_{block}_shortcut": (
        "layer{stage}.{block}.downsample.0",
        "layer{stage}.{block}.downsample.1",
    ),
}
# Three convolutions in the stem; an average before the shortcut's convolution.
_V1D: Rows = {
    "stem1": ("conv1.0", "conv1.1"),
    "stem2": ("conv1.3", "conv1.4"),
    "stem3": ("conv1.6", "bn1"),
    **_BLOCKS,
    "layer{stage}_{block}_shortcut": (
        "layer{stage}.{block}.downsample.1",
        "layer{stage}.{block}.downsample.2",
    ),
}
_ZOO: Rows = {
    "stem": ("features.0", "features.1"),
    "layer{stage}_{block}_conv1": (
        "features.{stage+3}.{block}.body.0",
        "features.{stage+3}.{block}.body.1",
    ),
    "layer{stage}_{block}_conv2": (
        "features.{stage+3}.{block}.body.3",
        "features.{stage+3}.{block}.body.4",
    ),
    "layer{stage}_{block}_shortcut": (
        "features.{stage+3}.{block}.downsample.0",
        "features.{stage+3}.{block}.downsample.1",
    ),
}


@layouts_of.register
def _(backbone: ResNet) -> dict[str, NameMap]:
    unused = ("fc.*",)
    layouts = {
        "torchvision, timm": NameMap(_PLAIN, TORCH, _BODY, unused),
        "GluonCV v1b": NameMap(_PLAIN, GLUON, _BODY, unused),
        "timm v1d": NameMap(_V1D, TORCH, _BODY, unused, stem="stem1"),
    }
    if backbone.depth < 50:
        layouts["MXNet's model zoo v1"] = NameMap(_ZOO, GLUON, ("features.*",), ("output.*",))
    return layouts
