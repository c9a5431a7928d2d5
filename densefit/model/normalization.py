"""Normalization layers: which kind `normalize` builds is said once, around the code that builds.

    with Normalization("group").in_effect():
        x = conv_bn(x, "stem", 64)

All kinds have one scale and one shift a channel, `<name>_gamma` and `<name>_beta`; the first two
have `<name>_moving_mean` and `<name>_moving_var`, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import gcd
from typing import Any

from densefit.errors import ConfigError
from densefit.symbol import init, sym

KINDS = ("batch", "frozen_batch", "group")


class Normalization:
    """A kind of normalization.

    Args:
        kind: "batch" (Ioffe and Szegedy 2015); "frozen_batch": BatchNorm by its moving statistics
            in training too, whose parameters and statistics do not change, for small batches with
            pretrained weights; "group" (Wu and He 2018): each sample by itself, in 32 groups of
            at least two channels, fewer where these do not divide the channels.

    Raises:
        ConfigError: an unknown kind.
    """

    def __init__(self, kind: str = "batch") -> None:
        if kind not in KINDS:
            raise ConfigError("Unknown normalization", expected=", ".join(KINDS), received=kind)
        self.kind = kind

    @contextmanager
    def in_effect(self) -> Iterator[None]:
        """Let `normalize` build this kind inside of the `with` block."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def build(self, x: Any, name: str, channels: int, eps: float) -> Any:
        """Build the layer; see `normalize`."""
        if self.kind == "group":
            return _group_norm(x, name, channels, eps)
        settings = {"fix_gamma": False, "eps": eps, "momentum": 0.9, "name": name}
        if self.kind == "batch":
            return sym.BatchNorm(x, **settings)
        gamma, beta = (sym.BlockGrad(variable) for variable in _constants(name, channels))
        return sym.BatchNorm(x, gamma, beta, use_global_stats=True, **settings)


_current: ContextVar[Normalization] = ContextVar("normalization")
_BATCH = Normalization()


def normalize(x: Any, name: str, channels: int, eps: float = 1e-5) -> Any:
    """Normalize the channels of (B, channels, H, W), by the current kind.

    Args:
        x: a feature map.
        name: prefix of the parameters.
        channels: its number of channels.
        eps: added to the variance.
    """
    return _current.get(_BATCH).build(x, name, channels, eps)


def _constants(name: str, channels: int) -> tuple[Any, Any]:
    """Scale and shift that no update changes, by weight decay neither."""
    settings = {"shape": (channels,), "lr_mult": 0.0, "wd_mult": 0.0}
    return (
        sym.Variable(f"{name}_gamma", init=init.One(), **settings),
        sym.Variable(f"{name}_beta", init=init.Zero(), **settings),
    )


def _group_norm(x: Any, name: str, channels: int, eps: float) -> Any:
    return group_norm(x, *channel_scales(name, channels), channels, eps, name)


def channel_scales(name: str, channels: int) -> tuple[Any, Any]:
    """Scale and shift of each channel, which several layers may share."""
    return (
        sym.Variable(f"{name}_gamma", init=init.One(), shape=(channels,)),
        sym.Variable(f"{name}_beta", init=init.Zero(), shape=(channels,)),
    )


def group_norm(x: Any, gamma: Any, beta: Any, channels: int, eps: float, name: str) -> Any:
    """Normalize each sample in groups of channels; see `Normalization`.

    MXNet's GroupNorm has a scale a group, not a channel: its own stay 1 and 0.

    Args:
        x: (B, channels, H, W).
        gamma: (channels,) scale.
        beta: (channels,) shift.
        channels: number of channels.
        eps: added to the variance.
        name: name of the layer.
    """
    groups = gcd(channels // 2 if channels % 2 == 0 else channels, 32)
    x = sym.GroupNorm(
        x, sym.ones((groups,)), sym.zeros((groups,)), num_groups=groups, eps=eps, name=name
    )
    shape = (1, channels, 1, 1)
    x = sym.broadcast_mul(x, sym.reshape(gamma, shape=shape))
    return sym.broadcast_add(x, sym.reshape(beta, shape=shape))
