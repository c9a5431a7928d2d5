"""RegNetY's names: torchvision and timm."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row, Rows
from densefit.model.backbones.regnet import RegNetY

_BLOCK = "trunk_output.block{stage}.block{stage}-{block}"
_TORCHVISION: Rows = {
    "stem": ("stem.0", "stem.1"),
    "stage{stage}_{block}_shortcut": (f"{_BLOCK}.proj.0", f"{_BLOCK}.proj.1"),
    "stage{stage}_{block}_conv1": (f"{_BLOCK}.f.a.0", f"{_BLOCK}.f.a.1"),
    "stage{stage}_{block}_conv2": (f"{_BLOCK}.f.b.0", f"{_BLOCK}.f.b.1"),
    "stage{stage}_{block}_conv3": (f"{_BLOCK}.f.c.0", f"{_BLOCK}.f.c.1"),
    "stage{stage}_{block}_se_reduce": (f"{_BLOCK}.f.se.fc1", None),
    "stage{stage}_{block}_se_expand": (f"{_BLOCK}.f.se.fc2", None),
}


def _timm() -> dict[str, Row]:
    """timm counts blocks from 1."""
    block = "s{stage}.b{block+1}"
    layers = {"shortcut": "downsample", "conv1": "conv1", "conv2": "conv2", "conv3": "conv3"}
    rows: dict[str, Row] = {"stem": ("stem.conv", "stem.bn")}
    for ours, theirs in layers.items():
        name = f"{block}.{theirs}"
        rows[f"stage{{stage}}_{{block}}_{ours}"] = (f"{name}.conv", f"{name}.bn")
    rows["stage{stage}_{block}_se_reduce"] = (f"{block}.se.fc1", None)
    rows["stage{stage}_{block}_se_expand"] = (f"{block}.se.fc2", None)
    return rows


@layouts_of.register
def _(backbone: RegNetY) -> dict[str, NameMap]:
    return {
        "torchvision": NameMap(_TORCHVISION, TORCH, ("stem.*", "trunk_output.*"), ("fc.*",)),
        "timm": NameMap(_timm(), TORCH, ("stem.*", "s?.b*"), ("head.*",)),
    }
