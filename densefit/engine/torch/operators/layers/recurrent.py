"""Fused recurrent layers."""

from __future__ import annotations

import math
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.errors import EngineError

_GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}
_REFUSED = ("projection_size", "lstm_state_clip_min", "lstm_state_clip_max")


@operator("RNN", "_npx_rnn")
def rnn(attrs: Attributes) -> Compute:
    """Layers of rnn_relu, rnn_tanh, lstm or gru over data (T, N, C).

    All parameters are one vector: of each layer and direction the weights of the input and of the
    state, and then, again of each, their biases. Gates are in the order of cuDNN and PyTorch.
    """
    mode, layers, size = attrs.text("mode"), attrs.whole("num_layers"), attrs.whole("state_size")
    directions = 2 if attrs.flag("bidirectional") else 1
    dropout, has_states = attrs.number("p", 0.0), attrs.flag("state_outputs")
    refused = [name for name in _REFUSED if attrs.optional(name) is not None]
    refused += ["use_sequence_length"] if attrs.flag("use_sequence_length") else []
    if refused or mode not in _GATES:
        raise EngineError(
            f"The engine 'torch' does not support {', '.join(refused) or f'mode={mode!r}'} of the "
            "operator RNN",
            expected=f"mode {', '.join(_GATES)}, without {', '.join(_REFUSED)}",
            where=f"node {attrs.node.name!r}",
            fix="leave it out, or unroll the layer: mx.rnn.LSTMCell",
        )

    def compute(run: Any, data: Any, parameters: Any, state: Any, cell: Any = None) -> Any:
        # PyTorch's functions do not check; a state of one row is MXNet's zeros of any batch.
        shape = (layers * directions, data.shape[1], size)
        states = [part.expand(shape).contiguous() for part in (state, cell) if part is not None]
        weights = _split(parameters, data.shape[2], size, layers, directions, _GATES[mode])
        rate = dropout if run.training else 0.0
        settings = (True, layers, rate, run.training, directions == 2, False)
        if data.is_meta:
            output = data.new_zeros(*data.shape[:2], size * directions)
        elif mode == "lstm":
            output, *states = torch.lstm(data, states, weights, *settings)
        else:
            function = getattr(torch, mode)
            output, *states = function(data, states[0], weights, *settings)
        return (output, *states) if has_states else output

    return compute


def _split(
    parameters: Any, inputs: int, size: int, layers: int, directions: int, gates: int
) -> list[Any]:
    """[input weight, state weight, input bias, state bias] of each layer and direction."""
    shapes: list[tuple[int, ...]] = []
    for layer in range(layers):
        width = size * directions if layer else inputs
        shapes += [(gates * size, width), (gates * size, size)] * directions
    shapes += [(gates * size,), (gates * size,)] * directions * layers
    parts, begin = [], 0
    for shape in shapes:
        length = math.prod(shape)
        parts.append(parameters[begin : begin + length].reshape(shape))
        begin += length
    weights, biases = parts[: len(parts) // 2], parts[len(parts) // 2 :]
    return [
        part
        for number in range(0, len(weights), 2)
        for part in (*weights[number : number + 2], *biases[number : number + 2])
    ]
