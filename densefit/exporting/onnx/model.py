"""Assemble an ONNX model: named outputs, without nodes and constants that no output needs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from densefit.exporting.onnx.builder import Builder
from densefit.exporting.onnx.tensor import BATCH, Shape, Tensor


def model_of(
    build: Builder, outputs: Mapping[str, Tensor], metadata: Mapping[str, str], version: str
) -> onnx.ModelProto:
    """The checked model of a graph.

    Args:
        build: builder with the nodes.
        outputs: name -> tensor.
        metadata: key -> text, kept in the model.
        version: version of densefit.
    """
    named = _name_outputs(build, outputs)
    needed, nodes = set(named), []
    for node in reversed(build.nodes):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(name for name in node.input if name)
    constants = [
        numpy_helper.from_array(value, name)
        for name, value in build.constants.items()
        if name in needed
    ]
    graph = helper.make_graph(
        nodes[::-1],
        "densefit",
        [_info(tensor.name, tensor) for tensor in build.inputs],
        [_info(name, tensor) for name, tensor in named.items()],
        constants,
    )
    imports = [helper.make_opsetid("", build.opset)]
    model = helper.make_model(
        graph,
        opset_imports=imports,
        producer_name="densefit",
        producer_version=version,
        ir_version=max(8, helper.find_min_ir_version_for(imports)),
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


def _name_outputs(build: Builder, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name the tensors of outputs; inputs, constants and repeated outputs are copied."""
    node_outputs = {name for node in build.nodes for name in node.output}
    renamed: dict[str, str] = {}
    named: dict[str, Tensor] = {}
    for name, tensor in outputs.items():
        if tensor.name in node_outputs and tensor.name not in renamed:
            renamed[tensor.name] = name
        else:
            source = renamed.get(tensor.name, tensor.name)
            build.nodes.append(helper.make_node("Identity", [source], [name], name=f"{name}/copy"))
        named[name] = tensor
    for node in build.nodes:
        for names in (node.input, node.output):
            for number, name in enumerate(names):
                names[number] = renamed.get(name, name)
    return named


def _info(name: str, tensor: Tensor) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return helper.make_tensor_value_info(name, kind, _sizes(tensor.shape, name))


def _sizes(shape: Shape, name: str) -> list[int | str]:
    sizes: list[int | str] = []
    for axis, size in enumerate(shape):
        if size is None:
            sizes.append(f"{name}_{axis}")
        elif size and size % BATCH == 0:
            sizes.append("batch" if size == BATCH else f"batch*{size // BATCH}")
        else:
            sizes.append(size)
    return sizes
