"""Backbone maps -> what each cell at stride 4 says about centres, boxes and joints. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn
from densefit.tasks.detection.pyramid import feature_levels

STRIDE = 4
# Of the bias of heat maps: cells start out as 10 % likely, so that the many that are background do
# not drown the few that are not (Lin et al., "Focal Loss", ICCV 2017, section 4.1, and CenterNet).
RARE = -2.19

# Cells that distances across an object are learned in: an update moves what a unit of the last
# convolution means, and objects are many cells wide.
FAR = 4.0


def maps(
    name: str, features: Features, channels: int, classes: int, keypoints: int, heat: bool
) -> dict[str, Any]:
    """The maps of the head, each (B, C, H/4, W/4).

    Args:
        name: prefix of the parameters.
        features: of the backbone.
        channels: width of the head's own maps.
        classes: how many.
        keypoints: how many, K.
        heat: also heat maps of the keypoints.

    Returns:
        `centre` (C = classes) and `joint` (K): logits of heat maps; `box` (4): dx, dy, width,
        height; `place` (2 K): dx, dy of each keypoint as seen from the centre; `rest` (2 K): dx of
        each in its own cell, then dy of each. (The paper has one `rest` for all of them; those of
        small objects share cells.) All in cells. `joint` and `rest` with `heat` only.
    """
    strides = [stride for stride in (4, 8, 16, 32) if stride in features.maps]
    data = feature_levels(name, features, strides, channels, top_down=True)[0]
    what = conv_bn(data, f"{name}_what", channels)
    where = conv_bn(data, f"{name}_where", channels)
    made = {
        "centre": _last(what, f"{name}_centre", classes, RARE),
        "box": mx.sym.concat(
            _last(where, f"{name}_middle", 2, 0.5), _last(where, f"{name}_sides", 2) * FAR, dim=1
        ),
        "place": _last(where, f"{name}_place", 2 * keypoints) * FAR,
    }
    if heat:
        made["joint"] = _last(what, f"{name}_joint", keypoints, RARE)
        made["rest"] = _last(where, f"{name}_rest", 2 * keypoints, 0.5)  # the middle of a cell
    return made


def _last(data: Any, name: str, channels: int, bias: float = 0.0) -> Any:
    return mx.sym.Convolution(
        data,
        mx.sym.Variable(f"{name}_weight", init=mx.init.Normal(0.01)),
        mx.sym.Variable(f"{name}_bias", init=mx.init.Constant(bias)),
        num_filter=channels,
        kernel=(1, 1),
        name=name,
    )


def gather_cells(data: Any, cell: Any) -> Any:
    """Columns of a map at some cells.

    Args:
        data: (B, C, h, w).
        cell: (B, N) indices into the flat map, not negative.

    Returns:
        (B, N, C).
    """
    flat = mx.sym.reshape(data, shape=(0, 0, -1))
    flat = mx.sym.transpose(flat, axes=(0, 2, 1))
    return mx.sym.gather_nd(flat, mx.sym.stack(_sample_index(data, cell, (-1, 1)), cell, axis=0))


def gather_each(data: Any, cell: Any) -> Any:
    """Values of a map at cells of each of its channels.

    Args:
        data: (B, K, h, w).
        cell: (B, N, K) indices into the flat map, not negative.

    Returns:
        (B, N, K).
    """
    flat = mx.sym.reshape(data, shape=(0, 0, -1))
    channel = mx.sym.contrib.arange_like(data, axis=1)
    channel = mx.sym.broadcast_like(mx.sym.reshape(channel, shape=(1, 1, -1)), cell)
    sample = _sample_index(data, cell, (-1, 1, 1))
    return mx.sym.gather_nd(flat, mx.sym.stack(sample, channel, cell, axis=0))


def gather_pairs(data: Any, cell: Any, keypoints: int) -> Any:
    """Two values for each keypoint, at cells of its own: (B, N, K, 2).

    Args:
        data: (B, 2 K, h, w), the first value of each, then the second of each.
        cell: (B, N, K) indices into the flat map, not negative.
        keypoints: K.
    """
    halves = (mx.sym.slice_axis(data, axis=1, begin=i, end=i + keypoints) for i in (0, keypoints))
    return mx.sym.stack(*(gather_each(half, cell) for half in halves), axis=3)


def cell_corner(cell: Any, width: int) -> tuple[Any, Any]:
    """x, y in cells of the upper left corner of cells of a map that is `width` cells wide."""
    # The index is whole, and half a cell keeps its quotient off the whole numbers.
    row = mx.sym.floor((cell + 0.5) / width)
    return cell - row * width, row


def cell_index(x: Any, y: Any, size: tuple[int, int]) -> Any:
    """The index of the cell that holds x, y (in cells), or of the nearest one to it."""
    height, width = size
    column = mx.sym.clip(mx.sym.floor(x), 0, width - 1)
    return mx.sym.clip(mx.sym.floor(y), 0, height - 1) * width + column


def _sample_index(data: Any, cell: Any, shape: tuple[int, ...]) -> Any:
    """The number of the sample in the batch, in the shape of `cell`.

    Counted on `data`, whose shape is known before those of labels are.
    """
    number = mx.sym.contrib.arange_like(data, axis=0)
    return mx.sym.broadcast_like(mx.sym.reshape(number, shape=shape), cell)
