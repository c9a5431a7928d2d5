"""Build an ONNX graph node by node: shapes are inferred, constants are folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from densefit.exporting.onnx.output_types import output_types
from densefit.exporting.onnx.tensor import BATCH, Shape, Tensor, is_dynamic, product, shape_text

_FOLDED = 1 << 18  # elements of the largest constant that is computed at export
#: First operator set in which a reduction takes its axes as an input.
_AXES_AS_INPUT = {"ReduceSum": 13, "Squeeze": 13, "Unsqueeze": 13}
_REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2")


class Builder:
    """The nodes and constants of an ONNX graph.

    Args:
        opset: version of the operator set.
        reserved: names that only outputs of the model may have.
    """

    def __init__(self, opset: int, reserved: Iterable[str] = ()) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[Tensor] = []
        self.scope = "node"  # prefix of names: the layer that is being converted
        self._names = set(reserved)
        self._shared: dict[Any, Tensor] = {}

    def name(self, hint: str) -> str:
        """A name that is not in use yet."""
        name, number = hint, 0
        while name in self._names:
            number += 1
            name = f"{hint}_{number}"
        self._names.add(name)
        return name

    def input(self, name: str, shape: Shape, dtype: Any) -> Tensor:
        """Add an input of the model, with a name of its own or a reserved one."""
        self._names.add(name)
        tensor = Tensor(name, shape, np.dtype(dtype))
        self.inputs.append(tensor)
        return tensor

    def constant(self, value: Any, dtype: Any = None, name: str = "") -> Tensor:
        """A constant; small ones of equal value are one."""
        array = np.array(value, dtype, order="C")
        key = None
        if not name and array.size <= 64:
            key = (array.dtype.str, array.shape, array.tobytes())
            if key in self._shared:
                return self._shared[key]
        tensor = Tensor(self.name(name or f"{self.scope}_const"), array.shape, array.dtype, array)
        self.constants[tensor.name] = array
        if key is not None:
            self._shared[key] = tensor
        return tensor

    def emit(
        self, op: str, *inputs: Tensor | None, shape: Shape | None = None, **attrs: Any
    ) -> Any:
        """Add a node with a single output; a constant if all its inputs are constants.

        Args:
            op: operator of ONNX.
            inputs: None for an optional one that is left out.
            shape: shape of the output, where it cannot be inferred.
            attrs: attributes; None is left out.
        """
        return self.emit_all(op, *inputs, outputs=1, shapes=[shape], **attrs)[0]

    def emit_all(
        self,
        op: str,
        *inputs: Tensor | None,
        outputs: int,
        shapes: Sequence[Shape | None] | None = None,
        **attrs: Any,
    ) -> list[Tensor]:
        """Add a node with several outputs; see `emit`."""
        names = [tensor.name if tensor is not None else "" for tensor in inputs]
        attrs = {name: value for name, value in attrs.items() if value is not None}
        results = [
            # ONNX Runtime's calibration adds tensors <name>_ReduceMin and <name>_ReduceMax.
            self.name(f"{self.scope}/{op}" if outputs == 1 else f"{self.scope}/{op}_{number}")
            for number in range(outputs)
        ]
        node = helper.make_node(op, names, results, name=self.name(f"{self.scope}/{op}"), **attrs)
        types = output_types(node, inputs, self.opset)
        tensors = []
        for number, result in enumerate(results):
            shape, dtype = types[result]
            stated = shapes[number] if shapes else None
            tensors.append(Tensor(result, shape if stated is None else stated, dtype))
        values = self._fold(node, inputs, tensors)
        if values is not None:
            return [self.constant(value) for value in values]
        self.nodes.append(node)
        return tensors

    def reduce(self, op: str, data: Tensor, axes: Sequence[int], keepdims: bool = False) -> Tensor:
        """Add a reduction over some axes."""
        first = 18 if op in _REDUCTIONS else _AXES_AS_INPUT[op]
        if self.opset >= first:
            return self.emit(op, data, self.constant(axes, np.int64), keepdims=int(keepdims))
        return self.emit(op, data, axes=list(axes), keepdims=int(keepdims))

    def cast(self, data: Tensor, dtype: Any) -> Tensor:
        """Convert to another type, unless it is of this type."""
        dtype = np.dtype(dtype)
        if data.dtype == dtype:
            return data
        key = ("cast", data.name, dtype.str)
        if key not in self._shared:
            self._shared[key] = self.emit("Cast", data, to=helper.np_dtype_to_tensor_dtype(dtype))
        return self._shared[key]

    def reshape(self, data: Tensor, shape: Sequence[int]) -> Tensor:
        """Reshape to sizes of which one, at most, may depend on the batch and change its axis."""
        target, free = [], [size for size in shape if is_dynamic(size)]
        for axis, size in enumerate(shape):
            same = axis < data.rank and data.shape[axis] == size
            if size == 0:
                raise ValueError(f"an axis of the shape {shape_text(tuple(shape))} is empty")
            if is_dynamic(size):
                target.append(0 if same and len(free) > 1 else -1)
            else:
                target.append(size)
        if target.count(-1) > 1:
            text = shape_text(tuple(shape))
            raise ValueError(f"the shape {text} depends on the batch in several axes")
        if data.shape == tuple(shape):
            return data
        sizes = self.constant(target, np.int64)
        return self.emit("Reshape", data, sizes, shape=tuple(shape))

    def shape_of(self, shape: Sequence[int]) -> Tensor:
        """A shape as an int64 tensor, computed where a size depends on the batch."""
        if not any(is_dynamic(size) for size in shape):
            return self.constant(shape, np.int64)
        batch = self.batch_size()
        parts = []
        for size in shape:
            factor = self.constant([size // BATCH if is_dynamic(size) else size], np.int64)
            if is_dynamic(size):
                factor = batch if size == BATCH else self.emit("Mul", batch, factor)
            parts.append(factor)
        return self.emit("Concat", *parts, axis=0)

    def batch_size(self) -> Tensor:
        """The size of the dynamic batch, (1,) int64."""
        if "batch" not in self._shared:
            data = next(tensor for tensor in self.inputs if BATCH in tensor.shape)
            axis = data.shape.index(BATCH)
            if self.opset >= 15:
                size = self.emit("Shape", data, start=axis, end=axis + 1)
            else:
                size = self.emit(
                    "Gather", self.emit("Shape", data), self.constant([axis], np.int64)
                )
            self._shared["batch"] = size
        return self._shared["batch"]

    def _fold(
        self, node: onnx.NodeProto, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor]
    ) -> list[np.ndarray] | None:
        """Values of the outputs, if all inputs are constants and the values are few."""
        present = [tensor for tensor in inputs if tensor is not None]
        if any(tensor.value is None for tensor in present):
            return None
        entered = sum(product(t.value.shape) for t in present if t.value is not None)
        largest = max(_FOLDED, entered)
        for tensor in outputs:
            if any(size is None or is_dynamic(size) for size in tensor.shape):
                return None
            if product(tensor.sizes) > largest:
                return None
        evaluator = ReferenceEvaluator(node, opsets={"": self.opset})
        feeds = {tensor.name: tensor.value for tensor in present}
        values = evaluator.run(None, feeds)
        return [np.asarray(v, tensor.dtype) for v, tensor in zip(values, outputs)]
