"""Shapes and types of a node's outputs, by ONNX's own inference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from densefit.exporting.onnx.tensor import Shape, Tensor

_READ = 64  # elements of the largest constant whose values may decide a shape


def output_types(
    node: onnx.NodeProto, inputs: Sequence[Tensor | None], opset: int
) -> dict[str, tuple[Shape, np.dtype]]:
    """Output -> (shape, dtype); None for a size that is open.

    Args:
        node: a node.
        inputs: its inputs, None for one that is left out.
        opset: version of ONNX's operators.
    """
    present = {tensor.name: tensor for tensor in inputs if tensor is not None}
    types = {name: _type(tensor) for name, tensor in present.items()}
    values = {
        name: numpy_helper.from_array(tensor.value, name)
        for name, tensor in present.items()
        if tensor.value is not None and tensor.value.size <= _READ
    }
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    inferred = onnx.shape_inference.infer_node_outputs(
        schema, node, types, values, opset_imports=[helper.make_opsetid("", opset)]
    )
    return {name: _shape_and_dtype(inferred[name]) for name in node.output}


def _type(tensor: Tensor) -> onnx.TypeProto:
    kind = helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_type_proto(kind, tensor.shape)


def _shape_and_dtype(kind: onnx.TypeProto) -> tuple[Shape, np.dtype]:
    tensor = kind.tensor_type
    sizes = tuple(
        int(dim.dim_value) if dim.HasField("dim_value") else None for dim in tensor.shape.dim
    )
    return sizes, np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
