"""Gates: from a map, how much of each expert a head reads of each image."""

from __future__ import annotations

from math import log2
from typing import Any

from densefit.symbol import init, sym


def softmax_gate(x: Any, name: str, experts: int) -> Any:
    """Shares (B, experts) that sum to 1: softmax of a dense layer of the means of channels.

    Ma et al., KDD 2018: multi-gate mixture of experts.

    Args:
        x: (B, C, H, W).
        name: prefix of the parameters.
        experts: number of experts.
    """
    logits = _dense(sym.mean(x, axis=(2, 3)), name, experts, init.Normal(0.01), init.Zero())
    return sym.softmax(logits, axis=1)


def selecting_gate(x: Any, name: str, experts: int, selected: int, width: float) -> Any:
    """Shares (B, experts) of which at most `selected` are not 0, once the gate has decided.

    Hazimeh et al., NeurIPS 2021, arXiv:2106.03760 (DSelect-k): an expert has a binary code, and
    each bit is a smooth step of a number, exactly 0 or 1 beyond `width` / 2.

    Args:
        x: (B, C, H, W).
        name: prefix of the parameters.
        experts: number of experts, a power of two.
        selected: number of codes.
        width: of the steps.
    """
    bits = round(log2(experts))
    pooled = sym.mean(x, axis=(2, 3))
    near, wide = init.Uniform(width / 100), init.Uniform(0.05)
    codes = _dense(pooled, f"{name}_code", selected * bits, near, near)
    codes = sym.clip(codes, -width / 2, width / 2)
    codes = (-2 / width**3) * codes * codes * codes + (3 / (2 * width)) * codes + 0.5
    codes = sym.reshape(codes, shape=(-1, selected, bits))
    steps = [sym.slice_axis(codes, axis=2, begin=bit, end=bit + 1) for bit in range(bits)]
    choices = []
    for expert in range(experts):
        factors = [
            step if expert >> (bits - 1 - bit) & 1 else 1 - step for bit, step in enumerate(steps)
        ]
        choice = factors[0]
        for factor in factors[1:]:
            choice = choice * factor
        choices.append(choice)
    weights = sym.softmax(_dense(pooled, f"{name}_share", selected, wide, wide), axis=1)
    weights = sym.reshape(weights, shape=(-1, selected, 1))
    return sym.sum(sym.broadcast_mul(sym.concat(*choices, dim=2), weights), axis=1)


def mixed(shares: Any, *maps: Any) -> Any:
    """Sum of maps (B, C, H, W), each times its column of shares (B, maps)."""
    parts = []
    for number, part in enumerate(maps):
        share = sym.slice_axis(shares, axis=1, begin=number, end=number + 1)
        parts.append(sym.broadcast_mul(part, sym.reshape(share, shape=(-1, 1, 1, 1))))
    return sym.add_n(*parts) if len(parts) > 1 else parts[0]


def _dense(x: Any, name: str, outputs: int, weight: Any, bias: Any) -> Any:
    return sym.FullyConnected(
        x,
        sym.Variable(f"{name}_weight", init=weight),
        sym.Variable(f"{name}_bias", init=bias),
        num_hidden=outputs,
        name=name,
    )
