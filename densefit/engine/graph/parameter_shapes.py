"""Shapes of parameters and labels that follow from an operator's settings and its data."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TypeAlias

from densefit.model.symbol_graph import Node

Shape: TypeAlias = tuple[int, ...]
#: (node, shapes of its inputs, None if unknown) -> position of an input -> its shape
Rule: TypeAlias = Callable[[Node, Sequence["Shape | None"]], Mapping[int, Shape]]


def declared_shape(variable: Node) -> Shape | None:
    """The shape that a variable states itself; None if it states none, or a part of it."""
    text = variable.attr("__shape__")
    shape = ast.literal_eval(text.replace("L", "")) if text else ()
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    return None if not shape or any(size < 1 for size in shape) else shape


def shapes_of_inputs(node: Node, inputs: Sequence[Shape | None]) -> dict[int, Shape]:
    """Infer the shapes of an operator's parameters and labels from its data.

    >>> from densefit.model.symbol_graph import Node
    >>> shapes_of_inputs(Node("FullyConnected", "fc", attrs={"num_hidden": "5"}), [(2, 3, 4), None])
    {1: (5, 12), 2: (5,)}

    Args:
        node: the operator.
        inputs: shapes of its inputs; None for those that are unknown.

    Returns:
        position of an input -> shape. Empty where nothing follows.
    """
    rule = _RULES.get(node.op)
    if rule is None or not inputs:
        return {}
    if rule is not _same and inputs[0] is None:
        return {}
    return dict(rule(node, inputs))


def labels_that_fit(node: Node, data: Shape) -> list[Shape]:
    """Shapes of a loss layer's label that MXNet accepts, besides those of equally many numbers."""
    if node.op in ("SoftmaxOutput", "Softmax"):
        if not node.flag("multi_output"):
            return [data, data[:-1]]
        rest = data[2:]
        return [data, (data[0], prod(rest)), (data[0], *rest), (data[0], 1, *rest)]
    if node.op in ("SVMOutput", "softmax_cross_entropy"):
        return [data[:1]]
    return [data]


def _whole(node: Node, name: str, default: int = 0) -> int:
    return int(ast.literal_eval(node.attr(name, str(default)).replace("L", "")))


def _kernel(node: Node) -> Shape:
    kernel = ast.literal_eval(node.attr("kernel", "()").replace("L", ""))
    return tuple(kernel) if isinstance(kernel, (tuple, list)) else (kernel,)


def _dense(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    data = inputs[0] or ()
    width = prod(data[1:]) if node.flag("flatten", True) else data[-1]
    units = _whole(node, "num_hidden")
    return {1: (units, width), 2: (units,)}


def _convolution(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    first = 2 if "Deformable" in node.op else 1
    data, filters, groups = (
        inputs[0] or (),
        _whole(node, "num_filter"),
        _whole(node, "num_group", 1),
    )
    if node.attr("layout", "None").endswith("C"):
        return {first: (filters, *_kernel(node), data[-1] // groups), first + 1: (filters,)}
    return {first: (filters, data[1] // groups, *_kernel(node)), first + 1: (filters,)}


def _deconvolution(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    data, filters, groups = (
        inputs[0] or (),
        _whole(node, "num_filter"),
        _whole(node, "num_group", 1),
    )
    return {1: (data[1], filters // groups, *_kernel(node)), 2: (filters,)}


def _channels(axis: int, count: int) -> Rule:
    def rule(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
        size = (inputs[0] or ())[_whole(node, "axis", axis)]
        return {position: (size,) for position in range(1, count + 1)}

    return rule


def _embedding(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    return {1: (_whole(node, "input_dim"), _whole(node, "output_dim"))}


def _leaky(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    data = inputs[0] or ()
    return {1: (data[1] if len(data) > 1 else data[0],)}


def _softmax(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    return {1: labels_that_fit(node, inputs[0] or ())[1]}


def _rows(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    return {1: (inputs[0] or ())[:1]}


def _regression(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    data = inputs[0] or ()
    return {1: data[:1] if len(data) == 2 and data[1] == 1 else data}


def _recurrent(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    _, rows, width = inputs[0] or ()
    gates = {"lstm": 4, "gru": 3}.get(node.attr("mode"), 1)
    units, layers = _whole(node, "state_size"), _whole(node, "num_layers")
    directions = 2 if node.flag("bidirectional") else 1
    size = units * directions * (width + units + 2)
    size += (layers - 1) * units * directions * (units * directions + units + 2)
    state = (layers * directions, rows, units)
    return {1: (size * gates,), 2: state, 3: state}


def _same(node: Node, inputs: Sequence[Shape | None]) -> Mapping[int, Shape]:
    known = next((shape for shape in inputs if shape is not None), None)
    return {} if known is None else {position: known for position in range(len(inputs))}


_RULES: dict[str, Rule] = {
    "FullyConnected": _dense,
    **dict.fromkeys(("Convolution", "_contrib_DeformableConvolution"), _convolution),
    "Deconvolution": _deconvolution,
    **dict.fromkeys(
        ("BatchNorm", "BatchNorm_v1", "_contrib_BatchNormWithReLU", "_contrib_SyncBatchNorm"),
        _channels(1, 4),
    ),
    **dict.fromkeys(("InstanceNorm", "GroupNorm"), _channels(1, 2)),
    "LayerNorm": _channels(-1, 2),
    "Embedding": _embedding,
    "LeakyReLU": _leaky,
    **dict.fromkeys(("SoftmaxOutput", "Softmax"), _softmax),
    **dict.fromkeys(("SVMOutput", "softmax_cross_entropy"), _rows),
    **dict.fromkeys(
        ("LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput"), _regression
    ),
    "RNN": _recurrent,
    **dict.fromkeys(
        (
            *("elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_plus", "_minus"),
            *("_mul", "_div", "_add", "_sub", "add_n", "_grad_add", "_maximum", "_minimum"),
            *("_power", "_hypot", "_equal", "_greater", "_lesser"),
        ),
        _same,
    ),
}
