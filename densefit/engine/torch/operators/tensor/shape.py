"""Operators that only change shapes: reshape, transpose, broadcast, repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


def reshaped(shape: Sequence[int], target: Sequence[int], reverse: bool = False) -> list[int]:
    """The shape that MXNet's Reshape gives.

    Args:
        shape: shape of the input.
        target: sizes, or codes: 0 copies a size, -1 is the rest, -2 copies all that follow, -3
            joins two, -4 splits one into the two sizes after it.
        reverse: whether codes are read from the right.
    """
    sizes, codes = list(shape), list(target)
    if reverse:
        sizes.reverse()
        codes.reverse()
    result: list[int] = []
    source, rest, at = 0, -1, 0
    while at < len(codes):
        code = codes[at]
        if code == 0:
            result.append(sizes[source])
            source += 1
        elif code == -1:
            rest = len(result)
            result.append(1)
            source += 1
        elif code == -2:
            result += sizes[source:]
            source = len(sizes)
        elif code == -3:
            result.append(sizes[source] * sizes[source + 1])
            source += 2
        elif code == -4:
            first, second = codes[at + 1], codes[at + 2]
            first = sizes[source] // second if first == -1 else first
            second = sizes[source] // first if second == -1 else second
            result += [first, second]
            source, at = source + 1, at + 2
        else:
            result.append(code)
            source += 1
        at += 1
    if rest >= 0:
        result[rest] = math.prod(sizes) // max(math.prod(result), 1)
    return result[::-1] if reverse else result


@operator("Reshape", "reshape")
def reshape(attrs: Attributes) -> Compute:
    """Another shape for the same elements; see `reshaped`."""
    legacy = not attrs.optional("shape")
    target = attrs.wholes("target_shape", ()) if legacy else attrs.wholes("shape")
    reverse, keep = attrs.flag("reverse"), attrs.flag("keep_highest")

    def compute(run: Any, x: Any) -> Any:
        if not legacy:
            return x.reshape(reshaped(x.shape, target, reverse))
        sizes = [x.shape[0], *target[1:]] if keep else list(target)
        return x.reshape([n or -1 for n in sizes])  # 0 is the rest here

    return compute


@operator("reshape_like")
def reshape_like(attrs: Attributes) -> Compute:
    """The shape of another tensor, or some of its axes in place of some axes."""
    begin, end = attrs.optional("lhs_begin"), attrs.optional("lhs_end")
    first, last = attrs.optional("rhs_begin"), attrs.optional("rhs_end")

    def compute(run: Any, x: Any, like: Any) -> Any:
        left, right = list(x.shape), list(like.shape)
        start = slice(begin, None).indices(x.ndim)[0]
        stop = slice(None, end).indices(x.ndim)[1]
        return x.reshape([*left[:start], *right[first:last], *left[stop:]])

    return compute


@operator("Flatten", "flatten")
def flatten(attrs: Attributes) -> Compute:
    """(N, ...) -> (N, the product of the rest)."""
    return lambda run, x: x.reshape(x.shape[0], math.prod(x.shape[1:]))


@operator("transpose")
def transpose(attrs: Attributes) -> Compute:
    """Permute axes; reverse them by default."""
    axes = attrs.optional("axes")
    return lambda run, x: x.permute(axes or tuple(range(x.ndim))[::-1])


@operator("SwapAxis", "swapaxes")
def swap_axis(attrs: Attributes) -> Compute:
    """Swap two axes."""
    first, second = attrs.whole("dim1", 0), attrs.whole("dim2", 0)
    return lambda run, x: x.transpose(first, second)


@operator("expand_dims")
def expand_dims(attrs: Attributes) -> Compute:
    """Insert an axis of size 1."""
    axis = attrs.whole("axis")
    return lambda run, x: x.unsqueeze(axis)


@operator("squeeze")
def squeeze(attrs: Attributes) -> Compute:
    """Remove axes of size 1; at least one axis stays."""
    axes = None if attrs.optional("axis") is None else attrs.wholes("axis")

    def compute(run: Any, x: Any) -> Any:
        result = x.squeeze() if axes is None else x.squeeze(axes)
        return result if result.ndim else result.reshape(1)

    return compute


@operator("broadcast_to")
def broadcast_to(attrs: Attributes) -> Compute:
    """Repeat axes of size 1; 0 keeps a size."""
    shape = attrs.wholes("shape")
    return lambda run, x: x.expand([m or n for m, n in zip(shape, _aligned(x, len(shape)))])


def _aligned(x: Any, ndim: int) -> list[int]:
    return [1] * (ndim - x.ndim) + list(x.shape)


@operator("broadcast_axis", "broadcast_axes")
def broadcast_axis(attrs: Attributes) -> Compute:
    """Repeat given axes of size 1."""
    sizes = dict(zip(attrs.wholes("axis", ()), attrs.wholes("size", ())))

    def compute(run: Any, x: Any) -> Any:
        target = list(x.shape)
        for axis, size in sizes.items():
            target[axis] = size
        return x.expand(target)

    return compute


@operator("broadcast_like")
def broadcast_like(attrs: Attributes) -> Compute:
    """Repeat axes of size 1 to the sizes of another tensor."""
    left, right = attrs.optional("lhs_axes"), attrs.optional("rhs_axes")

    def compute(run: Any, x: Any, like: Any) -> Any:
        if left is None or right is None:
            return x.expand(like.shape)
        target = list(x.shape)
        for axis, other in zip(left, right):
            target[axis] = like.shape[other]
        return x.expand(target)

    return compute


@operator("tile")
def tile(attrs: Attributes) -> Compute:
    """Repeat the whole tensor along axes."""
    reps = attrs.wholes("reps")
    return lambda run, x: x.repeat([1] * (x.ndim - len(reps)) + list(reps))


@operator("repeat")
def repeat(attrs: Attributes) -> Compute:
    """Repeat each element along an axis; of the flat tensor by default."""
    count, axis = attrs.whole("repeats"), attrs.optional("axis")

    def compute(run: Any, x: Any) -> Any:
        if axis is None:
            return torch.repeat_interleave(x.reshape(-1), count)
        return torch.repeat_interleave(x, count, dim=axis)

    return compute


@operator("reverse", "flip")
def reverse(attrs: Attributes) -> Compute:
    """Reverse the order along axes."""
    axes = attrs.wholes("axis")
    return lambda run, x: x.flip(axes)


@operator("shape_array")
def shape_array(attrs: Attributes) -> Compute:
    """The shape as a tensor of int64."""
    return lambda run, x: torch.tensor(x.shape, dtype=torch.int64, device=x.device)


@operator("size_array")
def size_array(attrs: Attributes) -> Compute:
    """The number of elements as a tensor of int64."""
    return lambda run, x: torch.tensor([x.numel()], dtype=torch.int64, device=x.device)
