"""Names of DarkNet-53 (timm) and of CSPDarknet (YOLOX)."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Row
from densefit.model.backbones import cspdarknet, darknet
from densefit.model.backbones.cspdarknet import CSPDarknet
from densefit.model.backbones.darknet import DarkNet53
from densefit.model.backbones.input_normalization import InputNormalization

#: YOLOX since 0.2 reads images as OpenCV does, and normalises nothing.
YOLOX = InputNormalization((0.0,) * 3, (1.0,) * 3, order="BGR")


def _timm() -> dict[str, Row]:
    rows: dict[str, Row] = {"stem": ("stem.conv1.conv", "stem.conv1.bn")}
    for stage in range(len(darknet.BLOCKS)):
        ours, theirs = f"stage{stage + 1}", f"stages.{stage}"
        rows[f"{ours}_down"] = (f"{theirs}.conv_down.conv", f"{theirs}.conv_down.bn")
        block = f"{theirs}.blocks.{{block}}.conv{{n}}"
        rows[f"{ours}_{{block}}_conv{{n}}"] = (f"{block}.conv", f"{block}.bn")
    return rows


def _yolox() -> dict[str, Row]:
    rows: dict[str, Row] = {"stem": ("stem.conv.conv", "stem.conv.bn")}
    last = len(cspdarknet.BLOCKS)
    for stage in range(1, last + 1):
        ours, theirs = f"stage{stage}", f"dark{stage + 1}"
        cross = f"{theirs}.{2 if stage == last else 1}"
        names = {
            f"{ours}_down": f"{theirs}.0",
            f"{ours}_conv{{n}}": f"{cross}.conv{{n}}",
            f"{ours}_{{block}}_conv{{n}}": f"{cross}.m.{{block}}.conv{{n}}",
        }
        if stage == last:
            names[f"{ours}_spp_conv{{n}}"] = f"{theirs}.1.conv{{n}}"
        rows.update({layer: (f"{name}.conv", f"{name}.bn") for layer, name in names.items()})
    return rows


@layouts_of.register
def _(backbone: DarkNet53) -> dict[str, NameMap]:
    body = ("stem.*", "stages.*")
    return {"timm": NameMap(_timm(), TORCH, body, ("head.*",), built={"slope": 0.01})}


@layouts_of.register
def _(backbone: CSPDarknet) -> dict[str, NameMap]:
    return {"YOLOX": NameMap(_yolox(), TORCH, ("stem.*", "dark?.*"), (), YOLOX)}
