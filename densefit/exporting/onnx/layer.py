"""A layer of the Symbol while it is converted: its inputs, its settings, and the ONNX builder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ExportError
from densefit.exporting.onnx.builder import Builder
from densefit.exporting.onnx.tensor import BATCH, Tensor, is_dynamic, shape_text
from densefit.model.symbol_graph import Node
from densefit.symbol.setting_value import setting_value

_FIXED_ROWS = BATCH // 8  # a larger part of the batch's axis is one that depends on the batch


class Layer:
    """A node of the Symbol with the tensors that it reads.

    Args:
        node: operator, name and settings.
        inputs: tensors in the order of the operator.
        build: builder of the ONNX graph.
        used: numbers of the outputs that another node or the graph reads.
    """

    def __init__(
        self, node: Node, inputs: Sequence[Tensor], build: Builder, used: set[int]
    ) -> None:
        self.node, self.inputs, self.build, self.used = node, list(inputs), build, used
        self.emit, self.constant, self.cast = build.emit, build.constant, build.cast

    @property
    def data(self) -> Tensor:
        """The first input."""
        return self.inputs[0]

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting as a Python value: MXNet writes numbers, tuples and None as Python does."""
        text = self.node.attr(name, "")
        if text == "":
            return default
        try:
            return setting_value(text)
        except ValueError:
            return text

    def text(self, name: str, default: str = "") -> str:
        """A setting that is a word."""
        return self.node.attr(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """A setting that is true or false."""
        return self.node.flag(name, default)

    def integer(self, name: str, default: int | None = None) -> int:
        """A setting that is a whole number."""
        value = self.setting(name, default)
        if value is None:
            raise self.refusal(f"it lacks the setting {name}")
        return int(float(value))

    def number(self, name: str, default: float | None = None) -> float:
        """A setting that is a number."""
        value = self.setting(name, default)
        if value is None:
            raise self.refusal(f"it lacks the setting {name}")
        return float(value)

    def sizes(self, name: str, default: Sequence[Any] = ()) -> tuple[Any, ...]:
        """A setting that is a tuple; a single number is a tuple of one."""
        value = self.setting(name, None)
        if value is None:
            return tuple(default)
        return tuple(value) if isinstance(value, (tuple, list)) else (value,)

    def axis(self, default: int = 0, name: str = "axis", rank: int | None = None) -> int:
        """An axis, counted from the first one."""
        rank = self.data.rank if rank is None else rank
        axis = self.integer(name, default)
        return axis + rank if axis < 0 else axis

    def axes(self, name: str = "axis") -> list[int]:
        """Axes of a reduction: all by default; with `exclude` all but the stated ones."""
        rank = self.data.rank
        value = self.setting(name)
        if value is None or value == ():
            chosen = list(range(rank))
            return [] if self.flag("exclude") else chosen
        value = value if isinstance(value, (tuple, list)) else (value,)
        chosen = sorted(int(axis) % rank for axis in value)
        if self.flag("exclude"):
            return [axis for axis in range(rank) if axis not in chosen]
        return chosen

    def scalar(self, value: float, like: Tensor) -> Tensor:
        """A constant of the type of a tensor."""
        return self.constant(value, like.dtype)

    def slice(
        self, data: Tensor, axis: int, begin: int | None, end: int | None, step: int = 1
    ) -> Tensor:
        """A range of an axis, by Python's rules."""
        if begin is None:
            begin = 0 if step > 0 else np.iinfo(np.int64).max
        if end is None:
            end = np.iinfo(np.int64).max if step > 0 else np.iinfo(np.int64).min
        numbers = ([begin], [end], [axis], [step])
        length = data.shape[axis]
        size = None
        if length is not None:
            size = len(range(*slice(begin, end, step).indices(length)))
            if size == length and step == 1:
                return data
            if is_dynamic(length) and size > _FIXED_ROWS:  # all but some rows of the batch
                size = None
        shape = (*data.shape[:axis], size, *data.shape[axis + 1 :])
        parts = [self.constant(number, np.int64) for number in numbers]
        return self.emit("Slice", data, *parts, shape=shape)

    def squeeze(self, data: Tensor, *axes: int) -> Tensor:
        """Drop axes of size 1."""
        return self.emit("Squeeze", data, self.constant(axes, np.int64))

    def unsqueeze(self, data: Tensor, *axes: int) -> Tensor:
        """Add axes of size 1."""
        return self.emit("Unsqueeze", data, self.constant(axes, np.int64))

    def refusal(self, why: str, fix: str = "") -> ExportError:
        """The error for a layer that has no counterpart in ONNX."""
        return ExportError(
            f"The layer {self.node.name!r} cannot be exported to ONNX: {why}",
            received=f"{self.node.op}({', '.join(f'{k}={v}' for k, v in self.node.attrs.items())}) "
            f"of {', '.join(shape_text(tensor.shape) for tensor in self.inputs) or 'no inputs'}",
            where=f"layer {self.node.name!r}",
            fix=fix
            or "end the exported graph before it (df.export(..., outputs=[...])), or build it "
            "from other operators",
        )
