"""Poolings over windows and over whole maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.convolution import check_layout, window
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, product


@converts("Pooling", "Pooling_v1")
def pooling(layer: Layer) -> Tensor:
    check_layout(layer)
    kind = layer.text("pool_type", "max")
    if layer.flag("global_pool"):
        return _global(layer, kind)
    kernel, stride, pad, _ = window(layer)
    convention = layer.text("pooling_convention", "valid")
    if convention not in ("valid", "full"):
        raise layer.refusal(f"the pooling convention {convention} is not supported")
    # The last window may reach over the padded edge; more padding at the end gives it its place.
    rest = [
        -(size + 2 * edge - width) % step if convention == "full" else 0
        for size, edge, width, step in zip(layer.data.sizes[2:], pad, kernel, stride)
    ]
    data, ends = layer.data, [edge + more for edge, more in zip(pad, rest)]
    is_wide = any(end >= width for end, width in zip(ends, kernel))
    if is_wide:  # more than a pooling's own padding may be
        value = layer.scalar(float(np.finfo(data.dtype).min) if kind == "max" else 0, data)
        widths = layer.constant([0, 0, *pad, 0, 0, *ends], np.int64)
        data = layer.emit("Pad", data, widths, value)
    pads = [0] * (2 * len(pad)) if is_wide else [*pad, *ends]
    settings: dict[str, Any] = {"kernel_shape": kernel, "strides": stride, "pads": pads}
    if kind == "max":
        return layer.emit("MaxPool", data, **settings)
    power = layer.integer("p_value", 2)
    if kind == "lp" and power == 2:
        return layer.emit("LpPool", data, p=2, **settings)
    if kind == "lp" and power != 1:
        raise layer.refusal(f"norms of order 1 and 2 are supported, not {power}")
    if kind == "lp":
        kind = "sum"  # MXNet's norm of order 1 adds numbers with their signs
    if kind not in ("avg", "sum"):
        raise layer.refusal(f"the kind {kind} is not supported")
    includes = kind == "sum" or layer.flag("count_include_pad", True)
    counts_padding = int(includes or is_wide)
    mean = layer.emit("AveragePool", data, count_include_pad=counts_padding, **settings)
    if kind == "sum":
        return layer.emit("Mul", mean, layer.scalar(product(kernel), mean))
    if not is_wide and not (includes and any(rest)):
        return mean
    # MXNet counts the padding, but not what lies beyond it.
    counts = np.ones((), np.float64)
    edges = pad if includes else [0] * len(pad)
    for size, edge, start, width, step, length in zip(
        layer.data.sizes[2:], edges, pad, kernel, stride, mean.sizes[2:]
    ):
        starts = np.arange(length) * step - start
        ends_of = np.minimum(starts + width, size + edge)
        counts = np.multiply.outer(counts, ends_of - np.maximum(starts, -edge))
    factor = (product(kernel) / np.maximum(counts, 1)).astype(mean.dtype)
    return layer.emit("Mul", mean, layer.constant(factor[None, None]))


def _global(layer: Layer, kind: str) -> Tensor:
    """Pooling over whole maps."""
    if kind == "max":
        return layer.emit("GlobalMaxPool", layer.data)
    if kind == "avg":
        return layer.emit("GlobalAveragePool", layer.data)
    axes = range(2, layer.data.rank)
    if kind == "sum":
        return layer.build.reduce("ReduceSum", layer.data, list(axes), keepdims=True)
    raise layer.refusal(f"the kind {kind} is not supported")


@converts("_contrib_AdaptiveAvgPooling2D")
def adaptive_average(layer: Layer) -> Tensor:
    sizes = layer.sizes("output_size", (1,))
    height, width = (int(sizes[0]), int(sizes[-1])) if sizes else (1, 1)
    rows, columns = (
        layer.constant(_shares(size, count).astype(layer.data.dtype))
        for size, count in zip(layer.data.sizes[2:], (height, width))
    )
    across = layer.emit("MatMul", layer.data, layer.emit("Transpose", columns, perm=[1, 0]))
    return layer.emit("MatMul", rows, across)


def _shares(size: int, count: int) -> np.ndarray:
    """(count, size) weights of the cells of each bin."""
    weights = np.zeros((count, size))
    for number in range(count):
        start, end = number * size // count, -(-(number + 1) * size // count)
        weights[number, start:end] = 1 / (end - start)
    return weights
