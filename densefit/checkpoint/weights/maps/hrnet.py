"""HRNet's names: those of its authors, which timm keeps."""

from __future__ import annotations

from densefit.checkpoint.weights.maps.layouts import layouts_of
from densefit.checkpoint.weights.maps.name_map import TORCH, NameMap, Rows
from densefit.model.backbones.hrnet import HRNet

_BRANCH = "stage{stage}.{module}.branches.{branch}.{block}"
_FUSE = "stage{stage}.{module}.fuse_layers.{to}.{source}"
_ROWS: Rows = {
    "stem{n}": ("conv{n}", "bn{n}"),
    "layer1_{block}_conv{n}": ("layer1.{block}.conv{n}", "layer1.{block}.bn{n}"),
    "layer1_{block}_shortcut": ("layer1.{block}.downsample.0", "layer1.{block}.downsample.1"),
    "transition1_0": ("transition1.0.0", "transition1.0.1"),
    "transition{stage}_{n}": ("transition{stage}.{n}.0.0", "transition{stage}.{n}.0.1"),
    "stage{stage}_{module}_branch{branch}_{block}_conv{n}": (
        f"{_BRANCH}.conv{{n}}",
        f"{_BRANCH}.bn{{n}}",
    ),
    "stage{stage}_{module}_fuse{to}_{source}_{step}": (
        f"{_FUSE}.{{step}}.0",
        f"{_FUSE}.{{step}}.1",
    ),
    "stage{stage}_{module}_fuse{to}_{source}": (f"{_FUSE}.0", f"{_FUSE}.1"),
}
# What joins the branches for a class of the whole image.
_UNUSED = ("incre_modules.*", "downsamp_modules.*", "final_layer.*", "classifier.*")


@layouts_of.register
def _(backbone: HRNet) -> dict[str, NameMap]:
    body = ("conv?.*", "bn?.*", "layer1.*", "transition?.*", "stage?.*")
    return {"the authors, timm": NameMap(_ROWS, TORCH, body, _UNUSED, stem="stem1")}
