"""MobileNetV2's names: torchvision and timm.

MXNet's and GluonCV's zoos have a 1x1 convolution more, in the first block, which neither the paper
nor torchvision, timm and densefit have: their weights fit none of them.
"""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row, Rows
from densefit.model.backbones.mobilenet import STAGES, MobileNetV2

_TORCHVISION: Rows = {
    "stem": ("features.0.0", "features.0.1"),
    # The first block does not expand its channels.
    "block0_depthwise": ("features.1.conv.0.0", "features.1.conv.0.1"),
    "block0_project": ("features.1.conv.1", "features.1.conv.2"),
    "block{n}_expand": ("features.{n+1}.conv.0.0", "features.{n+1}.conv.0.1"),
    "block{n}_depthwise": ("features.{n+1}.conv.1.0", "features.{n+1}.conv.1.1"),
    "block{n}_project": ("features.{n+1}.conv.2", "features.{n+1}.conv.3"),
}


def _timm() -> Rows:
    """timm numbers blocks within their stage."""
    rows: dict[str, Row] = {
        "stem": ("conv_stem", "bn1"),
        "block0_depthwise": ("blocks.0.0.conv_dw", "blocks.0.0.bn1"),
        "block0_project": ("blocks.0.0.conv_pw", "blocks.0.0.bn2"),
    }
    prefixes = [
        f"blocks.{stage}.{block}"
        for stage, (_, _, blocks, _) in enumerate(STAGES)
        for block in range(blocks)
    ]
    for number, prefix in enumerate(prefixes[1:], start=1):
        rows[f"block{number}_expand"] = (f"{prefix}.conv_pw", f"{prefix}.bn1")
        rows[f"block{number}_depthwise"] = (f"{prefix}.conv_dw", f"{prefix}.bn2")
        rows[f"block{number}_project"] = (f"{prefix}.conv_pwl", f"{prefix}.bn3")
    return rows


@layouts_of.register
def _(backbone: MobileNetV2) -> dict[str, NameMap]:
    # The last 1x1 convolution belongs to the classifier.
    return {
        "torchvision": NameMap(
            _TORCHVISION, TORCH, ("features.*",), ("features.18.*", "classifier.*")
        ),
        "timm": NameMap(
            _timm(),
            TORCH,
            ("conv_stem.*", "bn1.*", "blocks.*"),
            ("conv_head.*", "bn2.*", "classifier.*"),
        ),
    }
