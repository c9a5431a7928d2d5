"""Convolutions, pooling and fully connected layers: outputs, and the weights that fit the data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, rule


def _is_last(layout: str) -> bool:
    """Whether the channels are the last axis: NHWC."""
    return layout.endswith("C")


def _channels_first(shape: Shape, layout: str) -> Shape:
    return (shape[0], shape[-1], *shape[1:-1]) if _is_last(layout) else shape


def _in_layout(shape: Shape, layout: str) -> Shape:
    return (shape[0], *shape[2:], shape[1]) if _is_last(layout) else shape


def _steps(shapes: NodeShapes, count: int) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """(stride, dilation, padding) of each axis."""
    stride, dilate, pad = (shapes.numbers(name) for name in ("stride", "dilate", "pad"))
    return stride or (1,) * count, dilate or (1,) * count, pad or (0,) * count


@rule(
    "Convolution",
    "Convolution_v1",
    "_contrib_DeformableConvolution",
    "_contrib_ModulatedDeformableConvolution",
)
def convolution(shapes: NodeShapes) -> None:
    """A convolution; the weight is (filters, channels / groups, *kernel)."""
    layout = shapes.text("layout")
    kernel, filters = shapes.numbers("kernel"), shapes.number("num_filter")
    names = list(shapes.node.form.inputs)
    if "bias" in names:
        shapes.set_input(names.index("bias"), (filters,))
    if shapes.inputs[0] is None:
        return
    shapes.require(len(shapes.inputs[0]) == len(kernel) + 2, f"a kernel {kernel}")
    shape = _channels_first(shapes.inputs[0], layout)
    groups = shapes.number("num_group")
    shapes.require(shape[1] % groups == 0, f"{shape[1]} channels in {groups} groups")
    shapes.require(filters % groups == 0, f"{filters} filters in {groups} groups")
    weight = (filters, shape[1] // groups, *kernel)
    shapes.set_input(names.index("weight"), _in_layout(weight, layout))
    stride, dilate, pad = _steps(shapes, len(kernel))
    out = []
    for n, k, s, d, p in zip(shape[2:], kernel, stride, dilate, pad):
        span = d * (k - 1) + 1
        shapes.require(not n or n + 2 * p >= span, f"a kernel of {span} in {n} + 2 * {p}")
        out.append((n + 2 * p - span) // s + 1 if n else 0)
    shapes.set_output(_in_layout((shape[0], filters, *out), layout))
    _from_output(shapes, layout, list(zip(kernel, stride, dilate, pad)))
    if "offset" in names:
        _offsets(shapes, names)


def _offsets(shapes: NodeShapes, names: Sequence[str]) -> None:
    """Offsets and mask of a deformable convolution."""
    out = shapes.outputs[0]
    if out is None:
        return
    points = math.prod(shapes.numbers("kernel")) * shapes.number("num_deformable_group")
    shapes.set_input(names.index("offset"), (out[0], 2 * points, *out[2:]))
    if "mask" in names:
        shapes.set_input(names.index("mask"), (out[0], points, *out[2:]))


def _from_output(
    shapes: NodeShapes, layout: str, axes: Sequence[tuple[int, int, int, int]]
) -> None:
    """Unknown dimensions of the data that follow from the output."""
    out, shape = shapes.outputs[0], shapes.inputs[0]
    if out is None or shape is None:
        return
    out, inner = _channels_first(out, layout), list(_channels_first(shape, layout))
    inner[0] = inner[0] or out[0]
    for i, (k, s, d, p) in enumerate(axes):
        if out[i + 2] and not inner[i + 2] and s == 1:
            inner[i + 2] = out[i + 2] - 1 + d * (k - 1) + 1 - 2 * p
    shapes.set_input(0, _in_layout(tuple(inner), layout))


@rule("Deconvolution")
def deconvolution(shapes: NodeShapes) -> None:
    """A transposed convolution; the weight is (channels, filters / groups, *kernel)."""
    layout = shapes.text("layout")
    kernel, filters = shapes.numbers("kernel"), shapes.number("num_filter")
    names = list(shapes.node.form.inputs)
    if "bias" in names:
        shapes.set_input(2, (filters,))
    if shapes.inputs[0] is None:
        return
    shapes.require(len(shapes.inputs[0]) == len(kernel) + 2, f"a kernel {kernel}")
    shape = _channels_first(shapes.inputs[0], layout)
    groups = shapes.number("num_group")
    weight = (shape[1], filters // groups, *kernel)
    shapes.set_input(1, _in_layout(weight, layout))
    stride, dilate, pad = _steps(shapes, len(kernel))
    adjust = shapes.numbers("adj") or (0,) * len(kernel)
    target = shapes.numbers("target_shape")
    out = []
    for i, (n, k, s, d) in enumerate(zip(shape[2:], kernel, stride, dilate)):
        if any(target):
            out.append(target[i])
        else:
            out.append(s * (n - 1) + d * (k - 1) + 1 - 2 * pad[i] + adjust[i] if n else 0)
    shapes.set_output(_in_layout((shape[0], filters, *out), layout))


@rule("FullyConnected")
def fully_connected(shapes: NodeShapes) -> None:
    """Rows times a weight (hidden, inputs)."""
    shape, out = shapes.inputs[0], shapes.outputs[0]
    hidden = shapes.number("num_hidden")
    is_flat = shapes.flag("flatten")
    if "bias" in shapes.node.form.inputs:
        shapes.set_input(2, (hidden,))
    if shape is None:
        return
    inputs = math.prod(shape[1:]) if is_flat else shape[-1]
    shapes.set_input(1, (hidden, inputs))
    shapes.set_output((shape[0], hidden) if is_flat else (*shape[:-1], hidden))
    out = shapes.outputs[0]
    if out is not None:
        shapes.set_input(0, (out[0], *(0,) * (len(shape) - 1)))


@rule("Pooling", "Pooling_v1")
def pooling(shapes: NodeShapes) -> None:
    """Pooling, with the rounding of `pooling_convention`."""
    shape = shapes.inputs[0]
    if shape is None:
        return
    layout = shapes.text("layout")
    inner = _channels_first(shape, layout)
    if shapes.flag("global_pool"):
        out: list[int] = [1] * (len(shape) - 2)
    else:
        kernel = shapes.numbers("kernel")
        shapes.require(len(shape) == len(kernel) + 2, f"a kernel {kernel}")
        stride, _, pad = _steps(shapes, len(kernel))
        out = []
        for n, k, s, p in zip(inner[2:], kernel, stride, pad):
            shapes.require(not n or k <= n + 2 * p, f"a kernel of {k} in {n} + 2 * {p}")
            out.append(_pooled(n, k, s, p, shapes.text("pooling_convention")) if n else 0)
    result = _in_layout((*inner[:2], *out), layout)
    for position in range(len(shapes.outputs)):
        shapes.set_output(result, position)


def _pooled(n: int, kernel: int, stride: int, pad: int, convention: str) -> int:
    if convention == "same":
        return math.ceil((n + 2 * pad) / stride)
    free = n + 2 * pad - kernel
    return 1 + (math.ceil(free / stride) if convention == "full" else free // stride)


@rule("UpSampling")
def up_sampling(shapes: NodeShapes) -> None:
    """Nearest neighbours, or bilinear by a weight, of maps joined along channels."""
    shape, scale = shapes.inputs[0], shapes.number("scale")
    if shapes.text("sample_type") == "bilinear":
        if shape is None:
            return
        kernel = 2 * scale - scale % 2
        filters = shapes.number("num_filter")
        shapes.set_input(1, (filters, 1, kernel, kernel))
        shapes.set_output((*shape[:2], shape[2] * scale, shape[3] * scale))
        return
    inputs = [inner for inner in shapes.inputs if inner is not None]
    if len(inputs) < len(shapes.inputs) or shape is None:
        return
    is_sum = shapes.text("multi_input_mode") == "sum"
    channels = shape[1] if is_sum else sum(inner[1] for inner in inputs)
    shapes.set_output((shape[0], channels, shape[2] * scale, shape[3] * scale))
