"""Names of the head's layers in files of torchvision and segmentation_models_pytorch (smp)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from densefit.checkpoint.weights.maps.class_lists import VOC
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.checkpoint.weights.maps.name_map import Rows
from densefit.model.decoders.decoder import Decoder
from densefit.model.decoders.fcn import FCN
from densefit.model.decoders.lraspp import LRASPP
from densefit.model.decoders.pspnet import PSPNet
from densefit.model.decoders.unet import UNet

from .head import Segmentation

_LAST = ("segmentation_head.0", None)


@head_layouts_of.register
def _(head: Segmentation, parameters: Sequence[str]) -> dict[str, HeadMap]:
    return decoder_layouts_of(head.decoder, parameters)


@singledispatch
def decoder_layouts_of(decoder: Decoder, parameters: Sequence[str]) -> dict[str, HeadMap]:
    """Return layout -> names of a decoder's parameters; none of DeepLabV3+ and SegFormer.

    torchvision's DeepLabV3 has no refinement with the map of stride 4, and smp's DeepLabV3+ has
    separable convolutions: their layers are others. smp's Segformer reads the map of stride 2, too,
    unless its encoder is a transformer.
    """
    return {}


@decoder_layouts_of.register
def _(decoder: FCN, parameters: Sequence[str]) -> dict[str, HeadMap]:
    """torchvision's FCN scores the deepest map alone: the scores of other maps begin at zero."""
    strides = [stride for stride in (4, 8, 16, 32) if f"score{stride}_weight" in parameters]
    rows: Rows = {
        "fcn": ("classifier.0", "classifier.1"),
        f"score{max(strides)}": ("classifier.4", None),
    }
    zeros = tuple(f"score{stride}" for stride in strides[:-1])
    return {"torchvision's FCN": _torchvision(rows, zeros)}


@decoder_layouts_of.register
def _(decoder: LRASPP, parameters: Sequence[str]) -> dict[str, HeadMap]:
    rows: Rows = {
        "deep": ("classifier.cbr.0", "classifier.cbr.1"),
        "gate": ("classifier.scale.1", None),
        "logits": ("classifier.high_classifier", None),
        "score8": ("classifier.low_classifier", None),
    }
    return {"torchvision's LR-ASPP": _torchvision(rows)}


@decoder_layouts_of.register
def _(decoder: UNet, parameters: Sequence[str]) -> dict[str, HeadMap]:
    """smp's U-Net goes on to strides 2 and 1, behind which its last layer is: ours is new."""
    rows = {
        f"up{stride}_conv{{n}}": (
            f"decoder.blocks.{number}.conv{{n}}.0",
            f"decoder.blocks.{number}.conv{{n}}.1",
        )
        for number, stride in enumerate(_falling(parameters, "up{}_conv1_weight"))
    }
    deeper = (f"decoder.blocks.{len(rows)}.*", f"decoder.blocks.{len(rows) + 1}.*")
    return {"smp's Unet": HeadMap(rows, "encoder.", unused=(*deeper, "segmentation_head.*"))}


@decoder_layouts_of.register
def _(decoder: PSPNet, parameters: Sequence[str]) -> dict[str, HeadMap]:
    rows: dict[str, tuple[str, str | None]] = {"fuse": ("decoder.conv.0", "decoder.conv.1")}
    for number, count in enumerate(decoder.bins):
        name = f"decoder.psp.blocks.{number}.pool.1"
        rows[f"pool{count}"] = (f"{name}.0", f"{name}.1")
    return {"smp's PSPNet": HeadMap({**rows, "logits": _LAST}, "encoder.")}


def _torchvision(rows: Rows, zeros: tuple[str, ...] = ()) -> HeadMap:
    return HeadMap(rows, "backbone.", class_lists=(VOC,), zeros=zeros, unused=("aux_classifier.*",))


def _falling(parameters: Sequence[str], pattern: str) -> list[int]:
    """The strides of the layers of a pattern, the deepest first."""
    return [stride for stride in (32, 16, 8, 4) if pattern.format(stride) in parameters]
