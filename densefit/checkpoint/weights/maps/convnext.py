"""ConvNeXt's names: torchvision and timm."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row
from densefit.model.backbones.convnext import BLOCKS, ConvNeXt

#: LayerNorms end so; a block has its layer scale beside its layers.
_ENDS = {"norm_gamma": (1, "weight"), "norm_beta": (1, "bias"), **TORCH}


def _torchvision() -> dict[str, Row]:
    rows: dict[str, Row] = {"stem": ("features.0.0", "features.0.1")}
    for stage in range(1, len(BLOCKS) + 1):
        down, blocks = f"features.{2 * stage - 2}", f"features.{2 * stage - 1}.{{block}}"
        rows[f"stage{stage}_down"] = (f"{down}.1", f"{down}.0")
        ours = f"stage{stage}_{{block}}"
        rows[ours] = (blocks, f"{blocks}.block.2")
        for layer, number in (("depthwise", 0), ("fc1", 3), ("fc2", 5)):
            rows[f"{ours}_{layer}"] = (f"{blocks}.block.{number}", None)
    return rows


def _timm() -> dict[str, Row]:
    rows: dict[str, Row] = {"stem": ("stem.0", "stem.1")}
    for stage in range(1, len(BLOCKS) + 1):
        theirs = f"stages.{stage - 1}"
        rows[f"stage{stage}_down"] = (f"{theirs}.downsample.1", f"{theirs}.downsample.0")
        ours, block = f"stage{stage}_{{block}}", f"{theirs}.blocks.{{block}}"
        rows[ours] = (block, f"{block}.norm")
        rows[f"{ours}_depthwise"] = (f"{block}.conv_dw", None)
        rows[f"{ours}_fc1"] = (f"{block}.mlp.fc1", None)
        rows[f"{ours}_fc2"] = (f"{block}.mlp.fc2", None)
    return rows


@layouts_of.register
def _(backbone: ConvNeXt) -> dict[str, NameMap]:
    ends = {"scale": (0, "layer_scale"), **_ENDS}
    return {
        "torchvision": NameMap(_torchvision(), ends, ("features.*",), ("classifier.*",)),
        "timm": NameMap(
            _timm(), {**ends, "scale": (0, "gamma")}, ("stem.*", "stages.*"), ("head.*",)
        ),
    }
