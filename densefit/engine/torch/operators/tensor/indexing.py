"""Elements chosen by indices: take, pick, gather, scatter, one-hot, embeddings, where."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of
from densefit.errors import DataError


def bounded(index: Any, size: int, mode: str) -> Any:
    """Whole indices within an axis; those beyond are clipped, wrapped, or with "raise" an error.

    Raises:
        DataError: an index is out of range, and `mode` is "raise".
    """
    index = index.long()
    if mode == "clip":
        return index.clamp(0, max(size - 1, 0))
    if mode == "wrap":
        return index.remainder(size)
    if index.numel() and (index.min() < 0 or index.max() >= size):
        raise DataError(
            "An index is out of the range of its axis",
            expected=f"0 to {size - 1}",
            received=f"{int(index.min())} to {int(index.max())}",
            fix="other indices, or mode='clip' or 'wrap' of the operator",
        )
    return index


@operator("take")
def take(attrs: Attributes) -> Compute:
    """Slices along an axis: the indices' shape replaces the axis."""
    axis, mode = attrs.whole("axis", 0), attrs.text("mode", "clip")

    def compute(run: Any, x: Any, index: Any) -> Any:
        at = axis % x.ndim
        chosen = x.index_select(at, bounded(index, x.shape[at], mode).reshape(-1))
        return chosen.reshape(*x.shape[:at], *index.shape, *x.shape[at + 1 :])

    return compute


@operator("Embedding", "_contrib_SparseEmbedding")
def embedding(attrs: Attributes) -> Compute:
    """A row of the weights for each index; an index beyond them is clipped, as in MXNet."""
    return lambda run, index, weight: F.embedding(bounded(index, len(weight), "clip"), weight)


@operator("batch_take")
def batch_take(attrs: Attributes) -> Compute:
    """One element of each row."""

    def compute(run: Any, x: Any, index: Any) -> Any:
        at = bounded(index.reshape(-1), x.shape[1], "clip")
        return x.gather(1, at[:, None]).reshape(index.shape)

    return compute


@operator("pick", "choose_element_0index")
def pick(attrs: Attributes) -> Compute:
    """One element along an axis, for each index."""
    axis = attrs.optional("axis") if "axis" in attrs else -1
    keepdims, mode = attrs.flag("keepdims"), attrs.text("mode", "clip")

    def compute(run: Any, x: Any, index: Any) -> Any:
        if axis is None:
            x = x.reshape(-1)
            return x[bounded(index.reshape(-1), len(x), mode)].reshape(1)
        at = axis % x.ndim
        shape = [1 if n == at else size for n, size in enumerate(x.shape)]
        chosen = x.gather(at, bounded(index, x.shape[at], mode).reshape(shape))
        if keepdims:
            return chosen
        chosen = chosen.squeeze(at)
        return chosen if chosen.ndim else chosen.reshape(1)

    return compute


@operator("one_hot")
def one_hot(attrs: Attributes) -> Compute:
    """`on_value` at each index of a new last axis, else `off_value`; indices beyond are nowhere."""
    depth, dtype = attrs.whole("depth"), dtype_of(attrs)
    on, off = attrs.number("on_value", 1.0), attrs.number("off_value", 0.0)

    def compute(run: Any, index: Any) -> Any:
        offsets = torch.arange(depth, device=index.device)
        hot = index.long()[..., None] == offsets
        return torch.where(hot, on, off).to(dtype)

    return compute


def _axis_indices(index: Any, shape: Any) -> tuple[Any, ...]:
    """(M, ...) indices -> one per axis; negative ones count from the end."""
    return tuple(axis.long().remainder(size) for axis, size in zip(index, shape))


@operator("gather_nd")
def gather_nd(attrs: Attributes) -> Compute:
    """Elements or slices at (M, ...) indices of the first M axes."""
    return lambda run, x, index: x[_axis_indices(index, x.shape)]


@operator("scatter_nd")
def scatter_nd(attrs: Attributes) -> Compute:
    """Zeros with values at (M, ...) indices; of several values at one place the last stays."""
    shape = attrs.wholes("shape")

    def compute(run: Any, values: Any, index: Any) -> Any:
        return values.new_zeros(shape).index_put(_axis_indices(index, shape), values)

    return compute


@operator("_scatter_set_nd")
def scatter_set_nd(attrs: Attributes) -> Compute:
    """A tensor with values replaced at (M, ...) indices."""
    return lambda run, x, values, index: x.index_put(_axis_indices(index, x.shape), values)


@operator("_backward_gather_nd")
def scatter_add_nd(attrs: Attributes) -> Compute:
    """Zeros with the sums of the values at (M, ...) indices."""
    shape = attrs.wholes("shape")

    def compute(run: Any, values: Any, index: Any) -> Any:
        offsets = _axis_indices(index, shape)
        return values.new_zeros(shape).index_put(offsets, values, accumulate=True)

    return compute


@operator("where")
def where(attrs: Attributes) -> Compute:
    """The first value where the condition is not 0, else the second; (N,) chooses whole rows."""

    def compute(run: Any, condition: Any, x: Any, y: Any) -> Any:
        if condition.ndim == 1 and x.ndim > 1:
            condition = condition.reshape(-1, *[1] * (x.ndim - 1))
        return torch.where(condition != 0, x, y)

    return compute


@operator("fill_element_0index")
def fill_element(attrs: Attributes) -> Compute:
    """A matrix with one element of each row replaced."""

    def compute(run: Any, x: Any, values: Any, index: Any) -> Any:
        return x.scatter(1, index.long()[:, None], values[:, None])

    return compute


@operator("_ravel_multi_index", "ravel_multi_index")
def ravel_multi_index(attrs: Attributes) -> Compute:
    """(M, N) indices of axes -> (N,) indices of the flat tensor."""
    shape = attrs.wholes("shape")

    def compute(run: Any, index: Any) -> Any:
        flat = torch.zeros_like(index[0])
        for axis, size in zip(index, shape):
            flat = flat * size + axis
        return flat

    return compute


@operator("_unravel_index", "unravel_index")
def unravel_index(attrs: Attributes) -> Compute:
    """Indices of the flat tensor -> (M, ...) indices of axes."""
    shape = attrs.wholes("shape")

    def compute(run: Any, index: Any) -> Any:
        rest, axes = index, []
        for size in reversed(shape[1:]):
            axes.append(rest.remainder(size))
            rest = torch.div(rest, size, rounding_mode="floor")
        return torch.stack([rest, *reversed(axes)])

    return compute


@operator("_contrib_index_copy")
def index_copy(attrs: Attributes) -> Compute:
    """A tensor with rows replaced."""
    return lambda run, x, index, rows: x.index_copy(0, index.long(), rows)


@operator("_contrib_index_array")
def index_array(attrs: Attributes) -> Compute:
    """The index of each element, along all axes or some, on a new last axis."""
    axes = None if attrs.optional("axes") is None else attrs.wholes("axes")

    def compute(run: Any, x: Any) -> Any:
        ranges = [torch.arange(size, device=x.device) for size in x.shape]
        grid = torch.stack(torch.meshgrid(*ranges, indexing="ij"), -1)
        return grid if axes is None else grid[..., list(axes)]

    return compute
