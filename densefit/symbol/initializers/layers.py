"""Initializers that depend on the shape of the weight: Xavier, He, Orthogonal, Bilinear, LSTM."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.symbol.initializers.descriptions import Initializer, create, register


@register
class Xavier(Initializer):
    """Scale by the inputs and outputs of a layer (Glorot and Bengio 2010).

    Args:
        rnd_type: "uniform" or "gaussian".
        factor_type: "avg", "in" or "out".
        magnitude: of the values; their variance is magnitude / fan, a third of it if uniform.
    """

    def __init__(
        self, rnd_type: str = "uniform", factor_type: str = "avg", magnitude: float = 3
    ) -> None:
        super().__init__(rnd_type=rnd_type, factor_type=factor_type, magnitude=magnitude)
        self.rnd_type, self.factor_type, self.magnitude = rnd_type, factor_type, float(magnitude)

    def _fan(self, shape: Sequence[int]) -> str:
        """Which fan a weight of a shape is scaled by."""
        return self.factor_type

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class.

        Raises:
            ConfigError: the weight is a vector, or a setting is unknown.
        """
        if len(shape) < 2:
            raise ConfigError(
                f"{type(self).__name__} initializes no vectors",
                expected="a weight of at least 2 dimensions",
                received=f"{name} of shape {tuple(shape)}",
                fix="Variable(..., init=init.Zero()), or another initializer",
            )
        area = math.prod(shape[2:])
        inputs, outputs = shape[1] * area, shape[0] * area
        fans = {"avg": (inputs + outputs) / 2, "in": inputs, "out": outputs}
        if self._fan(shape) not in fans or self.rnd_type not in ("uniform", "gaussian"):
            raise ConfigError(
                "Xavier has no such setting",
                expected="rnd_type uniform or gaussian, factor_type avg, in or out",
                received=f"{self.rnd_type}, {self.factor_type}",
            )
        scale = math.sqrt(self.magnitude / fans[self._fan(shape)])
        if self.rnd_type == "uniform":
            return rng.uniform(-scale, scale, shape)
        return rng.normal(0, scale, shape)


@register
class MSRAPrelu(Xavier):
    """Normal for layers followed by ReLU or PReLU (He et al. 2015).

    Args:
        factor_type: "avg", "in" or "out".
        slope: initial slope of the PReLU.
    """

    def __init__(self, factor_type: str = "avg", slope: float = 0.25) -> None:
        super().__init__("gaussian", factor_type, 2.0 / (1 + slope**2))
        self._kwargs = {"factor_type": factor_type, "slope": slope}


@register
class He(Xavier):
    """Normal with variance 2 / fan, densefit's default.

    The fan of a convolution is its outputs, that of a fully connected layer its inputs.

    Args:
        settings: accepted, and not used.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__("gaussian", "out", 2)
        self._kwargs = {}

    def _fan(self, shape: Sequence[int]) -> str:
        return "in" if len(shape) == 2 else "out"


@register
class Orthogonal(Initializer):
    """Orthogonal rows or columns (Saxe et al. 2014).

    Args:
        scale: length of them.
        rand_type: "uniform" or "normal", what they are made of.
    """

    def __init__(self, scale: float = 1.414, rand_type: str = "uniform") -> None:
        super().__init__(scale=scale, rand_type=rand_type)

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        size = shape[0], math.prod(shape[1:])
        is_uniform = self._kwargs["rand_type"] == "uniform"
        start = rng.uniform(-1, 1, size) if is_uniform else rng.normal(0, 1, size)
        left, _, right = np.linalg.svd(start, full_matrices=False)
        matrix: np.ndarray = left if left.shape == size else right
        return self._kwargs["scale"] * matrix.reshape(shape)


@register
class Bilinear(Initializer):
    """Bilinear upsampling as a convolution (N, C, h, w)."""

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        factor = math.ceil(shape[3] / 2)
        centre = (2 * factor - 1 - factor % 2) / (2 * factor)
        rows, columns = np.arange(shape[2])[:, None], np.arange(shape[3])
        kernel = (1 - abs(rows / factor - centre)) * (1 - abs(columns / factor - centre))
        return np.broadcast_to(kernel, shape)


@register
class LSTMBias(Initializer):
    """Zeros, but for the forget gate of an LSTM.

    Args:
        forget_bias: of the forget gate, the second of four.
    """

    def __init__(self, forget_bias: float = 1.0) -> None:
        super().__init__(forget_bias=forget_bias)

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        values, units = np.zeros(shape), shape[0] // 4
        values[units : 2 * units] = self._kwargs["forget_bias"]
        return values


_GATES = {"lstm": "ifco", "gru": "rzo", "rnn_relu": " ", "rnn_tanh": " "}


@register
class FusedRNN(Initializer):
    """All weights and biases of an RNN operator in one vector.

    Args:
        init: initializer of each weight, or its text; None for `He`.
        num_hidden: units of a layer.
        num_layers: number of layers.
        mode: "lstm", "gru", "rnn_relu" or "rnn_tanh".
        bidirectional: whether each layer has two directions.
        forget_bias: bias of the forget gates.
    """

    def __init__(
        self,
        init: Any,
        num_hidden: int,
        num_layers: int,
        mode: str,
        bidirectional: bool = False,
        forget_bias: float = 1.0,
    ) -> None:
        self._init = He() if init is None else create(init)
        text = None if init is None else self._init.dumps()
        super().__init__(
            init=text,
            num_hidden=num_hidden,
            num_layers=num_layers,
            mode=mode,
            bidirectional=bidirectional,
            forget_bias=forget_bias,
        )

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        parts = [
            self._init.draw(f"{name}_weight", (rows, columns), rng).ravel()
            for rows, columns in self._matrices(math.prod(shape))
        ]
        settings = self._kwargs
        bias = np.concatenate(
            [
                np.full(settings["num_hidden"], settings["forget_bias"] if gate == "f" else 0.0)
                for gate in _GATES[settings["mode"]]
            ]
        )
        count = 2 * settings["num_layers"] * (1 + settings["bidirectional"])
        return np.concatenate([*parts, *[bias] * count]).reshape(shape)

    def _matrices(self, size: int) -> Iterator[tuple[int, int]]:
        """Shape of each gate's weight, in the order of the vector."""
        settings = self._kwargs
        units, layers = settings["num_hidden"], settings["num_layers"]
        directions, gates = 1 + settings["bidirectional"], len(_GATES[settings["mode"]])
        upper = (layers - 1) * (units + directions * units + 2)
        inputs = size // directions // units // gates - upper - units - 2
        for layer in range(layers):
            for _ in range(directions):
                columns = inputs if layer == 0 else directions * units
                yield from [(units, columns)] * gates
                yield from [(units, units)] * gates
