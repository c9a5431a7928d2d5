"""Feature maps -> maps at stride 4 of centres, boxes and joints. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn
from densefit.symbol import init, sym
from densefit.tasks.detection.pyramid import feature_levels

STRIDE = 4
# Initial bias of heat maps: a probability of 10 %, so that the loss of the many background cells
# does not dominate (Lin et al., "Focal Loss", ICCV 2017, section 4.1, and CenterNet).
HEAT_BIAS = -2.19

# Scale of distances across an object, in cells: objects are many cells wide, and the outputs of
# the last convolution start small.
DISTANCE_SCALE = 4.0


def maps(
    name: str, features: Features, channels: int, classes: int, keypoints: int, heat: bool
) -> dict[str, Any]:
    """Output maps of the head, each (B, C, H/4, W/4).

    Args:
        name: prefix of the parameters.
        features: feature maps of the backbone.
        channels: channels of the head's feature maps.
        classes: number of classes.
        keypoints: number of keypoints K.
        heat: whether to add heat maps of the keypoints.

    Returns:
        `centre` (C = classes) and `joint` (K): logits of heat maps; `box` (4): dx, dy, width,
        height; `place` (2 K): dx, dy of each keypoint from the centre; `rest` (2 K): dx of each
        keypoint within its cell, then dy of each. (The paper shares one `rest` among keypoints; but
        keypoints of small objects share cells.) All in cells. `joint` and `rest` with `heat` only.
    """
    strides = [stride for stride in (4, 8, 16, 32) if stride in features.maps]
    data = feature_levels(name, features, strides, channels, top_down=True)[0]
    what = conv_bn(data, f"{name}_what", channels)
    where = conv_bn(data, f"{name}_where", channels)
    outputs = {
        "centre": _last(what, f"{name}_centre", classes, HEAT_BIAS),
        "box": sym.concat(
            _last(where, f"{name}_middle", 2, 0.5),
            _last(where, f"{name}_sides", 2) * DISTANCE_SCALE,
            dim=1,
        ),
        "place": _last(where, f"{name}_place", 2 * keypoints) * DISTANCE_SCALE,
    }
    if heat:
        outputs["joint"] = _last(what, f"{name}_joint", keypoints, HEAT_BIAS)
        outputs["rest"] = _last(where, f"{name}_rest", 2 * keypoints, 0.5)  # centre of a cell
    return outputs


def _last(data: Any, name: str, channels: int, bias: float = 0.0) -> Any:
    return sym.Convolution(
        data,
        sym.Variable(f"{name}_weight", init=init.Normal(0.01)),
        sym.Variable(f"{name}_bias", init=init.Constant(bias)),
        num_filter=channels,
        kernel=(1, 1),
        name=name,
    )


def gather_cells(data: Any, cell: Any) -> Any:
    """Gather the channels of a map at cells.

    Args:
        data: (B, C, h, w).
        cell: (B, N) indices into the flat map, not negative.

    Returns:
        (B, N, C).
    """
    flat = sym.reshape(data, shape=(0, 0, -1))
    flat = sym.transpose(flat, axes=(0, 2, 1))
    return sym.gather_nd(flat, sym.stack(_sample_index(data, cell, (-1, 1)), cell, axis=0))


def gather_each(data: Any, cell: Any) -> Any:
    """Gather values of a map at cells that differ per channel.

    Args:
        data: (B, K, h, w).
        cell: (B, N, K) indices into the flat map, not negative.

    Returns:
        (B, N, K).
    """
    flat = sym.reshape(data, shape=(0, 0, -1))
    channel = sym.contrib.arange_like(data, axis=1)
    channel = sym.broadcast_like(sym.reshape(channel, shape=(1, 1, -1)), cell)
    sample = _sample_index(data, cell, (-1, 1, 1))
    return sym.gather_nd(flat, sym.stack(sample, channel, cell, axis=0))


def gather_pairs(data: Any, cell: Any, keypoints: int) -> Any:
    """Gather two values per keypoint, at a cell per keypoint: (B, N, K, 2).

    Args:
        data: (B, 2 K, h, w), the first value of each, then the second of each.
        cell: (B, N, K) indices into the flat map, not negative.
        keypoints: K.
    """
    halves = (sym.slice_axis(data, axis=1, begin=i, end=i + keypoints) for i in (0, keypoints))
    return sym.stack(*(gather_each(half, cell) for half in halves), axis=3)


def cell_corner(cell: Any, width: int) -> tuple[Any, Any]:
    """x, y in cells of the upper left corners of cells, by flat index in a map of this width."""
    # The index is whole, and half a cell keeps its quotient off the whole numbers.
    row = sym.floor((cell + 0.5) / width)
    return cell - row * width, row


def cell_index(x: Any, y: Any, size: tuple[int, int]) -> Any:
    """Flat index of the cell that contains x, y (in cells), clipped to the map."""
    height, width = size
    column = sym.clip(sym.floor(x), 0, width - 1)
    return sym.clip(sym.floor(y), 0, height - 1) * width + column


def _sample_index(data: Any, cell: Any, shape: tuple[int, ...]) -> Any:
    """Index of the sample in the batch, in the shape of `cell`.

    Counted on `data`: shape inference reaches it before the labels.
    """
    number = sym.contrib.arange_like(data, axis=0)
    return sym.broadcast_like(sym.reshape(number, shape=shape), cell)
