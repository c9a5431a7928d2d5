"""A network's eval graph as an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx

import densefit
from densefit.engine.graph.fold_batchnorm import fold, fold_parameters
from densefit.engine.graph.symbol_info import UNREAD, forward_graph
from densefit.errors import ConfigError, ExportError
from densefit.exporting.onnx.builder import Builder
from densefit.exporting.onnx.convert import convert
from densefit.exporting.onnx.join_graphs import joined
from densefit.exporting.onnx.join_planes import join_planes
from densefit.exporting.onnx.model import model_of
from densefit.exporting.onnx.parameter_types import in_graph_types
from densefit.exporting.onnx.tensor import BATCH, Tensor
from densefit.model.heads.network_head import NetworkHead
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

IMAGE = "image"  # input of an exported network of heads
_OPSETS = (13, 22)


@dataclass(frozen=True)
class ModelSettings:
    """What an exported model computes, and in which form.

    Attributes:
        image_size: (height, width) of a network of heads.
        mode: "evaluate" or "raw".
        batch: number of images; None if any.
        opset: version of ONNX's operators.
        half: whether convolutions compute in float16.
        inputs: name -> shape of each input of a user's Symbol; None for the batch.
        outputs: short names of the outputs of a user's Symbol.
        views: whether outputs that views of an image are merged from are added.
    """

    image_size: tuple[int, int] | None = None
    mode: str = "evaluate"
    batch: int | None = None
    opset: int = 18
    half: bool = False
    inputs: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    views: bool = False


def check_opset(opset: int) -> None:
    """Raise ConfigError for a version of operators that is not written."""
    first, last = _OPSETS[0], min(_OPSETS[1], onnx.defs.onnx_opset_version())
    if not first <= opset <= last:
        raise ConfigError(
            "The version of ONNX's operators is not supported",
            expected=f"opset={first} to {last}",
            received=f"opset={opset}",
        )


def build_model(
    network: Network, graph: SymbolGraph, settings: ModelSettings, metadata: Mapping[str, str]
) -> onnx.ModelProto:
    """Build the model of a network's eval graph, with BatchNorms folded into convolutions.

    Args:
        network: network with parameters.
        graph: its eval graph.
        settings: what the model computes.
        metadata: key -> text, kept in the model.

    Raises:
        ExportError: the graph has no counterpart in ONNX.
    """
    values = {**network.parameters, **network.statistics}
    graph, planes = join_planes(graph)
    values.update(planes)
    graph, folds = fold(graph)
    values.update(fold_parameters(folds, values))
    reserved = [*graph.outputs, *settings.inputs, IMAGE]
    build = Builder(settings.opset, reserved)
    inputs = _inputs(build, network, settings)
    unread = {node.name for node in graph.nodes if node.name.endswith(UNREAD)}
    values.update({name: np.zeros(1, np.float32) for name in unread})
    values = in_graph_types(graph, values, inputs)
    tensors = convert(graph, values, inputs, build, settings.half)
    named = dict(zip(graph.outputs, tensors))
    if settings.half:
        build.scope = "output"
        named = {
            name: build.cast(tensor, np.float32) if tensor.dtype == np.float16 else tensor
            for name, tensor in named.items()
        }
    clashing = sorted({*named} & {tensor.name for tensor in build.inputs})
    if clashing:
        raise ExportError(
            "An input and an output have one name",
            received=clashing,
            fix="rename the output in the Symbol: mx.sym.identity(output, name=...)",
        )
    return model_of(build, named, metadata, densefit.__version__)


def eval_graph(network: Network, settings: ModelSettings) -> SymbolGraph:
    """The graph that is exported: of all heads, or of the outputs of a user's Symbol."""
    if not network.heads:
        return forward_graph(SymbolGraph.of(network.symbol), settings.outputs)
    graph = SymbolGraph.of(network.peek(settings.mode, settings.image_size))
    if not settings.views:
        return graph
    views = SymbolGraph.of(network.peek("views", settings.image_size))
    return joined(graph, views, view_names(network))


def view_names(network: Network) -> dict[str, str]:
    """Outputs that only views are merged from -> their names in a model, which has both kinds."""
    return {
        f"{adapter.name}_{output}": f"{adapter.name}_views_{output}"
        for adapter in network.adapters.values()
        if isinstance(adapter, NetworkHead) and adapter.head.has_view_outputs
        for output in adapter.view_outputs
    }


def _inputs(build: Builder, network: Network, settings: ModelSettings) -> dict[str, Tensor]:
    """Inputs of the graph by name."""
    batch = settings.batch or BATCH
    if network.heads:
        height, width = settings.image_size or (0, 0)
        build.scope = IMAGE
        image = build.input(IMAGE, (batch, height, width, 3), np.uint8)
        return {"data": build.emit("Transpose", image, perm=[0, 3, 1, 2])}
    return {
        name: build.input(
            name, tuple(batch if size is None else int(size) for size in shape), np.float32
        )
        for name, shape in settings.inputs.items()
    }
