"""Activations: Activation and LeakyReLU with all their types.

MXNet's `Activation(act_type="relu")` maps NaN to 0; here NaN stays, so that divergence shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": F.logsigmoid,
    "tanh": torch.tanh,
    "softrelu": F.softplus,
    "softsign": F.softsign,
    "mish": F.mish,
}


@operator("Activation")
def activation(attrs: Attributes) -> Compute:
    """An activation by name."""
    function = attrs.choice("act_type", _ACTIVATIONS)
    return lambda run, x: function(x)


def _leaky(attrs: Attributes) -> Compute:
    slope = attrs.number("slope", 0.25)
    return lambda run, x: F.leaky_relu(x, slope)


def _elu(attrs: Attributes) -> Compute:
    slope = attrs.number("slope", 0.25)
    return lambda run, x: F.elu(x, slope)


def _prelu(attrs: Attributes) -> Compute:
    def compute(run: Any, x: Any, gamma: Any) -> Any:
        shaped = (
            gamma.reshape([-1 if n == 1 else 1 for n in range(x.ndim)])
            if gamma.ndim == 1
            else gamma
        )
        return torch.where(x > 0, x, shaped * x)

    return compute


def _rrelu(attrs: Attributes) -> Compute:
    """A random slope for each element in training, else their mean; also the slopes."""
    low, high = attrs.number("lower_bound", 0.125), attrs.number("upper_bound", 0.334)

    def compute(run: Any, x: Any) -> Any:
        if not run.training:
            return F.leaky_relu(x, (low + high) / 2), torch.zeros_like(x)
        slopes = torch.where(x > 0, 1.0, torch.empty_like(x).uniform_(low, high))
        return x * slopes, slopes

    return compute


_LEAKY: dict[str, Callable[[Attributes], Compute]] = {
    "leaky": _leaky,
    "elu": _elu,
    "prelu": _prelu,
    "rrelu": _rrelu,
    "selu": lambda attrs: lambda run, x: F.selu(x),
    "gelu": lambda attrs: lambda run, x: F.gelu(x),
}


@operator("LeakyReLU")
def leaky_relu(attrs: Attributes) -> Compute:
    """Activations with a slope below zero: leaky, elu, selu, gelu, prelu (learned), rrelu.

    MXNet's gradient of selu lacks a factor below 0; here it is the derivative.
    """
    make = attrs.choice("act_type", _LEAKY, "leaky")
    return make(attrs)
