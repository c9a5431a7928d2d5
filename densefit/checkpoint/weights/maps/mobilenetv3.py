"""MobileNetV3's names: torchvision, its segmenters and detectors, and timm."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row
from densefit.model.backbones.mobilenet_v3 import EPS, MobileNetV3

_INPUTS = 16  # channels behind the stem
_TIMM_EPS = 1e-5


def _torchvision(backbone: MobileNetV3, start: str) -> dict[str, Row]:
    """Layers of a block are numbered, without those that it lacks."""
    rows: dict[str, Row] = {"stem": (f"{start}0.0", f"{start}0.1")}
    inputs = _INPUTS
    for number, (_, inner, outputs, has_se, *_) in enumerate(backbone.blocks):
        layers = ["expand"] * (inner != inputs) + ["depthwise"] + ["se"] * has_se + ["project"]
        ours = f"block{number}"
        for index, layer in enumerate(layers):
            theirs = f"{start}{number + 1}.block.{index}"
            if layer == "se":
                rows[f"{ours}_se_reduce"] = (f"{theirs}.fc1", None)
                rows[f"{ours}_se_expand"] = (f"{theirs}.fc2", None)
            else:
                rows[f"{ours}_{layer}"] = (f"{theirs}.0", f"{theirs}.1")
        inputs = outputs
    last = f"{start}{len(backbone.blocks) + 1}"
    return {**rows, "last": (f"{last}.0", f"{last}.1")}


def _timm(backbone: MobileNetV3) -> dict[str, Row]:
    """timm numbers blocks within their stage: those of as many channels in turn."""
    rows: dict[str, Row] = {"stem": ("conv_stem", "bn1")}
    stage, block, inputs = -1, 0, 0
    for number, (_, inner, outputs, *_) in enumerate(backbone.blocks):
        stage, block = (stage, block + 1) if outputs == inputs and number else (stage + 1, 0)
        ours, theirs = f"block{number}", f"blocks.{stage}.{block}"
        has_expansion = number > 0 or inner != _INPUTS
        rows[f"{ours}_expand"] = (f"{theirs}.conv_pw", f"{theirs}.bn1")
        norms = ("bn2", "bn3") if has_expansion else ("bn1", "bn2")
        rows[f"{ours}_depthwise"] = (f"{theirs}.conv_dw", f"{theirs}.{norms[0]}")
        rows[f"{ours}_se_reduce"] = (f"{theirs}.se.conv_reduce", None)
        rows[f"{ours}_se_expand"] = (f"{theirs}.se.conv_expand", None)
        last = "conv_pwl" if has_expansion else "conv_pw"
        rows[f"{ours}_project"] = (f"{theirs}.{last}", f"{theirs}.{norms[1]}")
        inputs = outputs
    return {**rows, "last": (f"blocks.{stage + 1}.0.conv", f"blocks.{stage + 1}.0.bn1")}


@layouts_of.register
def _(backbone: MobileNetV3) -> dict[str, NameMap]:
    timm = NameMap(
        _timm(backbone),
        TORCH,
        ("conv_stem.*", "bn1.*", "blocks.*"),
        ("conv_head.*", "classifier.*"),
        eps=(_TIMM_EPS, EPS),
    )
    unused = ("classifier.*",)
    return {
        "torchvision": NameMap(_torchvision(backbone, "features."), TORCH, ("features.*",), unused),
        # Segmenters and detectors have the layers without the network around them.
        "torchvision, in a whole model": NameMap(
            _torchvision(backbone, ""), TORCH, ("[0-9]*.*",), unused
        ),
        "timm": timm,
    }
