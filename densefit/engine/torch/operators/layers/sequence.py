"""Sequences of different lengths in one batch: mask, last, reverse; attention's products."""

from __future__ import annotations

import math
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


def _steps(x: Any, axis: int) -> Any:
    """Index of each element along `axis`, (T, 1) or (1, T) for the axes 0 and 1."""
    steps = torch.arange(x.shape[axis], device=x.device)
    return steps[:, None] if axis == 0 else steps[None]


def _spread(index: Any, x: Any) -> Any:
    return index.reshape(*index.shape, *[1] * (x.ndim - index.ndim))


@operator("SequenceMask")
def sequence_mask(attrs: Attributes) -> Compute:
    """Replace what lies beyond each sequence's end."""
    used, value = attrs.flag("use_sequence_length"), attrs.number("value", 0.0)
    axis = attrs.whole("axis", 0)

    def compute(run: Any, x: Any, length: Any = None) -> Any:
        if not used:
            return x
        inside = _steps(x, axis) < length.unsqueeze(axis)
        return torch.where(_spread(inside, x), x, value)

    return compute


@operator("SequenceLast")
def sequence_last(attrs: Attributes) -> Compute:
    """The last element of each sequence."""
    used, axis = attrs.flag("use_sequence_length"), attrs.whole("axis", 0)

    def compute(run: Any, x: Any, length: Any = None) -> Any:
        if not used:
            return x.select(axis, x.shape[axis] - 1)
        rows = torch.arange(x.shape[1 - axis], device=x.device)
        last = length.long() - 1
        return x[last, rows] if axis == 0 else x[rows, last]

    return compute


@operator("SequenceReverse")
def sequence_reverse(attrs: Attributes) -> Compute:
    """Reverse each sequence (axis 0); what lies beyond its end stays."""
    used = attrs.flag("use_sequence_length")

    def compute(run: Any, x: Any, length: Any = None) -> Any:
        if not used:
            return x.flip(0)
        steps = _steps(x, 0)
        ends = length.long()[None]
        index = torch.where(steps < ends, ends - 1 - steps, steps)
        return x.gather(0, _spread(index, x).expand(x.shape))

    return compute


def _heads(x: Any, heads: int, parts: int) -> list[Any]:
    """(T, N, heads * parts * d), interleaved -> `parts` tensors (N * heads, T, d)."""
    length, batch, width = x.shape
    split = x.reshape(length, batch * heads, parts, width // heads // parts)
    return [split[:, :, part].transpose(0, 1) for part in range(parts)]


@operator("_contrib_interleaved_matmul_selfatt_qk")
def self_attention_scores(attrs: Attributes) -> Compute:
    """Scaled products of queries and keys: (N * heads, T, T)."""
    heads = attrs.whole("heads")

    def compute(run: Any, x: Any) -> Any:
        queries, keys, _ = _heads(x, heads, 3)
        return torch.matmul(queries / math.sqrt(queries.shape[-1]), keys.transpose(1, 2))

    return compute


@operator("_contrib_interleaved_matmul_selfatt_valatt")
def self_attention_values(attrs: Attributes) -> Compute:
    """Values weighted by attention: (T, N, heads * d)."""
    heads = attrs.whole("heads")
    return lambda run, x, attention: _weighted(attention, _heads(x, heads, 3)[2], heads)


def _weighted(attention: Any, values: Any, heads: int) -> Any:
    result = torch.matmul(attention, values).transpose(0, 1)  # (T, N * heads, d)
    return result.reshape(result.shape[0], result.shape[1] // heads, -1)


@operator("_contrib_interleaved_matmul_encdec_qk")
def attention_scores(attrs: Attributes) -> Compute:
    """The same for queries of another sequence."""
    heads = attrs.whole("heads")

    def compute(run: Any, x: Any, pairs: Any) -> Any:
        queries, keys = _heads(x, heads, 1)[0], _heads(pairs, heads, 2)[0]
        return torch.matmul(queries / math.sqrt(queries.shape[-1]), keys.transpose(1, 2))

    return compute


@operator("_contrib_interleaved_matmul_encdec_valatt")
def attention_values(attrs: Attributes) -> Compute:
    """The same for values of another sequence."""
    heads = attrs.whole("heads")
    return lambda run, pairs, attention: _weighted(attention, _heads(pairs, heads, 2)[1], heads)
