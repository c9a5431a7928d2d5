"""Activations by name, as Symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densefit.errors import ConfigError
from densefit.symbol import sym


def activate(x: Any, kind: str | None, name: str) -> Any:
    """Apply an activation; the layer is called `<name>_<kind>`.

    Args:
        x: any shape.
        kind: a name of `ACTIVATIONS`; None returns x.
        name: name of the layer that it follows.

    Raises:
        ConfigError: an unknown name.
    """
    if kind is None:
        return x
    if kind not in ACTIVATIONS:
        raise ConfigError("Unknown activation", expected=", ".join(ACTIVATIONS), received=kind)
    return ACTIVATIONS[kind](x, f"{name}_{kind}")


def _relu(x: Any, name: str) -> Any:
    return sym.Activation(x, act_type="relu", name=name)


def _swish(x: Any, name: str) -> Any:
    """x sigmoid(x), also called SiLU (Ramachandran et al. 2017)."""
    gate = sym.Activation(x, act_type="sigmoid", name=f"{name}_gate")
    return sym.elemwise_mul(x, gate, name=name)


def _hard_sigmoid(x: Any, name: str) -> Any:
    """relu6(x + 3) / 6, as in MobileNetV3; MXNet's default slope is 0.2."""
    return sym.hard_sigmoid(x, alpha=1 / 6, beta=0.5, name=name)


def _hard_swish(x: Any, name: str) -> Any:
    """x relu6(x + 3) / 6 (Howard et al. 2019, MobileNetV3)."""
    return sym.elemwise_mul(x, _hard_sigmoid(x, f"{name}_gate"), name=name)


def _gelu(x: Any, name: str) -> Any:
    """x Phi(x), by the error function (Hendrycks and Gimpel 2016)."""
    return sym.LeakyReLU(x, act_type="gelu", name=name)


#: Name -> (x, name of the layer) -> Symbol.
ACTIVATIONS: dict[str, Callable[[Any, str], Any]] = {
    "relu": _relu,
    "relu6": lambda x, name: sym.clip(x, 0, 6, name=name),
    "sigmoid": lambda x, name: sym.Activation(x, act_type="sigmoid", name=name),
    "swish": _swish,
    "hard_sigmoid": _hard_sigmoid,
    "hard_swish": _hard_swish,
    "gelu": _gelu,
}
