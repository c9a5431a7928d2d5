"""The mask branch: a mask of each class for each box. Symbols.

The layers are those of torchvision's `MaskRCNNHeads` and `MaskRCNNPredictor`.
"""

from __future__ import annotations

from typing import Any

from densefit.symbol import init, sym
from densefit.tasks.detection.boxes import rows_at

#: Cells of a box's features and of its mask in each direction.
POOLED, MASK_SIZE = 14, 28
CONVOLUTIONS = 4


def mask_logits(name: str, regions: Any, label: Any, channels: int, classes: int) -> Any:
    """(B * K, 28, 28) logits of the mask of each box's class.

    Args:
        name: prefix of the parameters.
        regions: (B * K, C, 14, 14) features of the boxes.
        label: (B, K) 1 + class of each box, 0 to `classes`.
        channels: channels of the hidden layers.
        classes: number of classes without the background.
    """
    data = regions
    for index in range(CONVOLUTIONS):
        layer = f"{name}_mask_conv{index}"
        data = sym.relu(
            sym.Convolution(
                data,
                *_parameters(layer),
                num_filter=channels,
                kernel=(3, 3),
                pad=(1, 1),
                name=layer,
            )
        )
    layer = f"{name}_mask_deconv"
    data = sym.relu(
        sym.Deconvolution(
            data,
            *_parameters(layer),
            num_filter=channels,
            kernel=(2, 2),
            stride=(2, 2),
            no_bias=False,
            name=layer,
        )
    )
    layer = f"{name}_mask"
    masks = sym.Convolution(
        data, *_parameters(layer), num_filter=1 + classes, kernel=(1, 1), name=layer
    )
    chosen = rows_at(masks, sym.reshape(label, shape=(-1, 1)))
    return sym.reshape(chosen, shape=(-3, 0, 0))


def _parameters(layer: str) -> tuple[Any, Any]:
    """Weight and bias, with the initial values that He et al. (ICCV 2015) derive for ReLUs."""
    weight = init.Xavier(rnd_type="gaussian", factor_type="out", magnitude=2)
    return (
        sym.Variable(f"{layer}_weight", init=weight),
        sym.Variable(f"{layer}_bias", init=init.Zero()),
    )
