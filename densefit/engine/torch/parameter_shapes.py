"""Shapes of parameters, statistics and labels that follow from the data of an operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from densefit.engine.torch.operators.attributes import Attributes

Shape: TypeAlias = "tuple[int, ...]"
#: (settings, shape of the data) -> shapes of the inputs after it; None for any shape.
Rule: TypeAlias = "Callable[[Attributes, Shape], list[Shape | None]]"

_REGRESSIONS = ("LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput")
_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Return a decorator that registers the rule of operators by MXNet's names."""

    def enter(function: Rule) -> Rule:
        for name in names:
            _RULES[name] = function
        return function

    return enter


def shapes_after(attrs: Attributes, data: Shape) -> list[Shape | None]:
    """Shapes of the inputs that follow the data of an operator; empty without a rule."""
    function = _RULES.get(attrs.node.op)
    return function(attrs, data) if function else []


def accepts_label(attrs: Attributes, data: Shape, label: Shape) -> bool:
    """Whether a loss layer takes a label of another shape than that of its rule."""
    if attrs.node.op in _REGRESSIONS:
        return label[:1] == data[:1] and math.prod(label) == math.prod(data)
    if attrs.node.op not in ("SoftmaxOutput", "Softmax"):
        return False
    maps = [(data[0], *data[2:]), (data[0], 1, *data[2:])] if attrs.flag("multi_output") else []
    return label in [data, *maps]  # of the shape of the data: probabilities


@rule("FullyConnected")
def _dense(attrs: Attributes, data: Shape) -> list[Shape | None]:
    hidden = attrs.whole("num_hidden")
    width = math.prod(data[1:]) if attrs.flag("flatten", True) else data[-1]
    return [(hidden, width), (hidden,)]


def _kernel(attrs: Attributes, first: int, second: int) -> Shape:
    """Shape of a kernel, with the channels where the layout says."""
    kernel = attrs.wholes("kernel")
    last = attrs.text("layout").endswith("C")
    return (first, *kernel, second) if last else (first, second, *kernel)


def _channels(attrs: Attributes, data: Shape) -> int:
    return data[-1] if attrs.text("layout").endswith("C") else data[1]


@rule("Convolution", "Convolution_v1")
def _convolution(attrs: Attributes, data: Shape) -> list[Shape | None]:
    filters, groups = attrs.whole("num_filter"), attrs.whole("num_group", 1)
    return [_kernel(attrs, filters, _channels(attrs, data) // groups), (filters,)]


@rule("_contrib_DeformableConvolution")
def _deformable(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [None, *_convolution(attrs, data)]


@rule("_contrib_ModulatedDeformableConvolution")
def _modulated(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [None, None, *_convolution(attrs, data)]


@rule("Deconvolution")
def _deconvolution(attrs: Attributes, data: Shape) -> list[Shape | None]:
    filters, groups = attrs.whole("num_filter"), attrs.whole("num_group", 1)
    return [_kernel(attrs, _channels(attrs, data), filters // groups), (filters,)]


@rule("BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU")
def _batch_norm(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(data[attrs.whole("axis", 1)],)] * 4


@rule("InstanceNorm")
def _instance_norm(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(data[1],)] * 2


@rule("LayerNorm")
def _layer_norm(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(data[attrs.whole("axis", -1)],)] * 2


@rule("GroupNorm")
def _group_norm(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(attrs.whole("num_groups", 1),)] * 2


@rule("Embedding", "_contrib_SparseEmbedding")
def _embedding(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(attrs.whole("input_dim"), attrs.whole("output_dim"))]


@rule("LeakyReLU")
def _leaky_relu(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(data[1] if len(data) > 1 else data[0],)] if attrs.text("act_type") == "prelu" else []


@rule("UpSampling")
def _upsampling(attrs: Attributes, data: Shape) -> list[Shape | None]:
    scale = attrs.whole("scale")
    kernel = 2 * scale - scale % 2
    return [(data[1], 1, kernel, kernel)] if attrs.text("sample_type") == "bilinear" else []


@rule("IdentityAttachKLSparseReg")
def _sparse_penalty(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [data[1:]]


@rule("SoftmaxOutput", "Softmax")
def _softmax_output(attrs: Attributes, data: Shape) -> list[Shape | None]:
    if attrs.flag("multi_output"):
        return [(data[0], math.prod(data[2:]))]
    return [data[:-1]]


@rule(*_REGRESSIONS)
def _regression(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [data[:1] if len(data) == 2 and data[1] == 1 else data]


@rule("SVMOutput", "softmax_cross_entropy")
def _class_label(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [data[:1]]


@rule("pick", "choose_element_0index")
def _pick(attrs: Attributes, data: Shape) -> list[Shape | None]:
    axis = attrs.optional("axis") if "axis" in attrs else -1
    return [] if axis is None else [_without(data, axis)] if _is_open(attrs) else []


def _is_open(attrs: Attributes) -> bool:
    """Whether the index of a `pick` is a variable, whose shape may be open."""
    return attrs.node.inputs[1].node.is_variable


def _without(data: Shape, axis: int) -> Shape:
    return tuple(size for n, size in enumerate(data) if n != axis % len(data))


@rule("SequenceMask", "SequenceLast", "SequenceReverse")
def _sequence(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [(data[1 - attrs.whole("axis", 0)],)] if attrs.flag("use_sequence_length") else []


@rule("softmax")
def _softmax(attrs: Attributes, data: Shape) -> list[Shape | None]:
    return [_without(data, attrs.whole("axis", -1))] if attrs.flag("use_length") else []


@rule("RNN")
def _rnn(attrs: Attributes, data: Shape) -> list[Shape | None]:
    gates = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}[attrs.text("mode")]
    layers, hidden = attrs.whole("num_layers"), attrs.whole("state_size")
    directions = 2 if attrs.flag("bidirectional") else 1
    output = attrs.whole("projection_size", 0) if attrs.optional("projection_size") else hidden
    size, width = 0, data[2]
    for _ in range(layers):
        size += directions * gates * hidden * (width + output + 2)
        size += directions * output * hidden if output != hidden else 0
        width = directions * output
    state = (layers * directions, data[1])
    return [(size,), (*state, output), (*state, hidden)]
