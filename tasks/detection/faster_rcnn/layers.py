"""Layers of Faster R-CNN: the region proposal network, and the box head. Symbols.

The layers are those of torchvision's `RPNHead`, `TwoMLPHead` and `FastRCNNPredictor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.symbol import init, sym


def region_proposals(
    name: str, levels: Sequence[Any], channels: int, anchors: int
) -> tuple[list[Any], list[Any]]:
    """Objectness logits (B, A) and offsets (B, A, 4) of each level, in the order of the anchors.

    All levels share the parameters.

    Args:
        name: prefix of the parameters.
        levels: (B, channels, H, W) of each level.
        channels: channels of the hidden layer.
        anchors: anchors per cell.
    """
    layers = [
        (f"{name}_rpn", channels, 3),
        (f"{name}_rpn_objectness", anchors, 1),
        (f"{name}_rpn_box", 4 * anchors, 1),
    ]
    hidden, objectness, box = (SharedConvolution(*layer) for layer in layers)
    scores, offsets = [], []
    for level in levels:
        shared = sym.relu(hidden(level))
        logits = sym.transpose(objectness(shared), axes=(0, 2, 3, 1))
        scores.append(sym.reshape(logits, shape=(0, -1)))
        moves = sym.transpose(box(shared), axes=(0, 2, 3, 1))
        offsets.append(sym.reshape(moves, shape=(0, -1, 4)))
    return scores, offsets


class SharedConvolution:
    """A convolution of several maps with the same parameters.

    Args:
        name: prefix of the parameters.
        channels: filters.
        kernel: side of the filters, odd.
    """

    def __init__(self, name: str, channels: int, kernel: int) -> None:
        self.name, self.channels, self.kernel = name, channels, kernel
        self.weight = sym.Variable(f"{name}_weight", init=init.Normal(0.01))
        self.bias = sym.Variable(f"{name}_bias", init=init.Zero())

    def __call__(self, data: Any) -> Any:
        return sym.Convolution(
            data,
            self.weight,
            self.bias,
            num_filter=self.channels,
            kernel=(self.kernel, self.kernel),
            pad=(self.kernel // 2, self.kernel // 2),
        )


def box_predictions(
    name: str, regions: Any, boxes: int, hidden: int, classes: int
) -> tuple[Any, Any]:
    """Class logits (B, boxes, 1 + classes) and offsets (B, boxes, 1 + classes, 4).

    Args:
        name: prefix of the parameters.
        regions: (B * boxes, C, h, w) features of the boxes.
        boxes: number of boxes of a sample.
        hidden: units of the two hidden layers.
        classes: number of classes without the background.
    """
    data = sym.Flatten(regions)
    for layer in ("fc6", "fc7"):
        data = sym.relu(_dense(data, f"{name}_{layer}", hidden, init.Xavier(factor_type="in")))
    scores = _dense(data, f"{name}_class", 1 + classes, init.Normal(0.01))
    offsets = _dense(data, f"{name}_box", 4 * (1 + classes), init.Normal(0.001))
    return (
        sym.reshape(scores, shape=(-1, boxes, 1 + classes)),
        sym.reshape(offsets, shape=(-1, boxes, 1 + classes, 4)),
    )


def _dense(data: Any, name: str, units: int, weight: Any) -> Any:
    return sym.FullyConnected(
        data,
        sym.Variable(f"{name}_weight", init=weight),
        sym.Variable(f"{name}_bias", init=init.Zero()),
        num_hidden=units,
        name=name,
    )
