"""Sorting, best values and running sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, is_dynamic


def best(layer: Layer, data: Tensor, count: int, axis: int, largest: bool) -> list[Tensor]:
    """(values, int64 indices) of the largest or smallest elements, in order.

    Among equal values the lower index comes first, as in MXNet.
    """
    size = layer.constant([count], np.int64)
    shape = (*data.shape[:axis], count, *data.shape[axis + 1 :])
    if is_dynamic(count):
        size = layer.build.shape_of([count])
    return layer.build.emit_all(
        "TopK", data, size, outputs=2, shapes=[shape, shape], axis=axis, largest=int(largest)
    )


def _flat_or_axis(layer: Layer) -> tuple[Tensor, int]:
    """The data and the axis; without an axis all elements as one row."""
    if layer.text("axis", "-1") == "None":
        return layer.emit("Reshape", layer.data, layer.constant([-1], np.int64)), 0
    return layer.data, layer.axis(-1)


@converts("topk")
def topk(layer: Layer) -> Tensor | Sequence[Tensor]:
    data, axis = _flat_or_axis(layer)
    count = layer.integer("k", 1)
    kind = layer.text("ret_typ", "indices")
    count = count if count > 0 else data.sizes[axis]
    values, indices = best(layer, data, count, axis, not layer.flag("is_ascend"))
    if kind == "mask":
        zeros = layer.emit("Mul", data, layer.scalar(0, data))
        ones = layer.emit(
            "Add", layer.emit("Mul", values, layer.scalar(0, data)), layer.scalar(1, data)
        )
        mask = layer.emit("ScatterElements", zeros, indices, ones, axis=axis)
        return layer.build.reshape(mask, layer.data.sizes)
    numbers = layer.cast(indices, layer.text("dtype", "float32"))
    if kind == "both":
        return [values, numbers]
    return values if kind == "value" else numbers


@converts("sort", "argsort")
def sort(layer: Layer) -> Tensor:
    data, axis = _flat_or_axis(layer)
    falls = not layer.flag("is_ascend", True)
    values, indices = best(layer, data, data.sizes[axis], axis, falls)
    is_sort = layer.node.op == "sort"
    return values if is_sort else layer.cast(indices, layer.text("dtype", "float32"))


@converts("cumsum", "_np_cumsum")
def cumsum(layer: Layer) -> Tensor:
    data, axis = layer.data, layer.setting("axis")
    if axis is None:
        data, axis = layer.emit("Reshape", data, layer.constant([-1], np.int64)), 0
    return layer.emit("CumSum", data, layer.constant(int(axis), np.int64))
