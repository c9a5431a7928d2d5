"""EfficientNet's names: torchvision, timm, and the packages of EfficientNet-PyTorch (Lite)."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row, Rows
from densefit.model.backbones.efficientnet import EfficientNet
from densefit.model.backbones.input_normalization import IMAGENET, InputNormalization

LITE = InputNormalization((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))


def _numbered(blocks: list[tuple[int, int]]) -> Rows:
    """EfficientNet-PyTorch numbers all blocks in turn."""
    rows: dict[str, Row] = {"stem": ("_conv_stem", "_bn0")}
    for number, (stage, block) in enumerate(blocks):
        ours, theirs = f"stage{stage}_{block}", f"_blocks.{number}"
        rows[f"{ours}_expand"] = (f"{theirs}._expand_conv", f"{theirs}._bn0")
        rows[f"{ours}_depthwise"] = (f"{theirs}._depthwise_conv", f"{theirs}._bn1")
        rows[f"{ours}_se_reduce"] = (f"{theirs}._se_reduce", None)
        rows[f"{ours}_se_expand"] = (f"{theirs}._se_expand", None)
        rows[f"{ours}_project"] = (f"{theirs}._project_conv", f"{theirs}._bn2")
    return rows


def _staged(blocks: list[tuple[int, int]]) -> Rows:
    """timm numbers blocks within their stage; the first stage does not expand its channels."""
    rows: dict[str, Row] = {"stem": ("conv_stem", "bn1")}
    for stage, block in blocks:
        ours, theirs, first = f"stage{stage}_{block}", f"blocks.{stage - 1}.{block}", stage == 1
        rows[f"{ours}_expand"] = (f"{theirs}.conv_pw", f"{theirs}.bn1")
        rows[f"{ours}_depthwise"] = (f"{theirs}.conv_dw", f"{theirs}.bn{1 if first else 2}")
        rows[f"{ours}_se_reduce"] = (f"{theirs}.se.conv_reduce", None)
        rows[f"{ours}_se_expand"] = (f"{theirs}.se.conv_expand", None)
        last = ("conv_pw", "bn2") if first else ("conv_pwl", "bn3")
        rows[f"{ours}_project"] = (f"{theirs}.{last[0]}", f"{theirs}.{last[1]}")
    return rows


def _torchvision(blocks: list[tuple[int, int]]) -> Rows:
    """torchvision numbers the layers of a block, without those that it lacks."""
    rows: dict[str, Row] = {"stem": ("features.0.0", "features.0.1")}
    for stage, block in blocks:
        ours, theirs = f"stage{stage}_{block}", f"features.{stage}.{block}.block"
        layers = ["expand", "depthwise", "se", "project"][stage == 1 :]
        for number, layer in enumerate(layers):
            rows[f"{ours}_{layer}"] = (f"{theirs}.{number}.0", f"{theirs}.{number}.1")
            if layer == "se":
                rows[f"{ours}_se_reduce"] = (f"{theirs}.{number}.fc1", None)
                rows[f"{ours}_se_expand"] = (f"{theirs}.{number}.fc2", None)
    return rows


@layouts_of.register
def _(backbone: EfficientNet) -> dict[str, NameMap]:
    counts = [blocks for *_, blocks in backbone.layout]
    blocks = [
        (stage, block) for stage, count in enumerate(counts, start=1) for block in range(count)
    ]
    kind = LITE if backbone.is_lite else IMAGENET
    torchvision = NameMap(
        _torchvision(blocks), TORCH, ("features.*",), ("features.8.*", "classifier.*"), kind
    )
    return {
        **({} if backbone.is_lite else {"torchvision": torchvision}),
        "timm": NameMap(
            _staged(blocks),
            TORCH,
            ("conv_stem.*", "bn1.*", "blocks.*"),
            ("conv_head.*", "bn2.*", "classifier.*"),
            kind,
        ),
        "EfficientNet-PyTorch": NameMap(
            _numbered(blocks),
            TORCH,
            ("_conv_stem.*", "_bn0.*", "_blocks.*"),
            ("_conv_head.*", "_bn1.*", "_fc.*"),
            kind,
        ),
    }
