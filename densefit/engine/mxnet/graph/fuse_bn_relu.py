"""Fuse BatchNorm and the ReLU that follows into one operator, which MXNet has on CPUs."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet.graph.onednn_layouts import Layouts
from densefit.engine.mxnet.graph.shapes import inner_outputs
from densefit.engine.mxnet.symbols import as_mxnet
from densefit.model.symbol_graph import Node, SymbolGraph

_FUSED = "_contrib_BatchNormWithReLU"
_SETTINGS = ("eps", "momentum", "fix_gamma", "use_global_stats", "axis")  # that it takes


def fuse_relu(
    graph: SymbolGraph,
    shapes: Mapping[str, Sequence[int]],
    devices: Sequence[Any],
    types: Mapping[str, Any] = MappingProxyType({}),
) -> SymbolGraph:
    """Fuse each ReLU that is the only reader of a BatchNorm with it.

    Outputs and gradients stay bit-equal; the backward pass reads one bit instead of each number,
    and a pass over the map is saved in both directions.

    MXNet has the operator on CPUs, and its backward pass fails if map and gradient have different
    memory layouts (see `densefit.engine.mxnet.graph.onednn_layouts`). So the BatchNorm must
    follow a convolution with blocks of 16, and all readers must return gradients in the same
    layout; otherwise the graph is unchanged.

    Args:
        graph: graph for training; layers that are not in float32 stay.
        shapes: shapes of its inputs, by name.
        devices: devices on which it will be bound.
        types: dtypes of its inputs by name; other dtypes are inferred.
    """
    if any(device.device_type != "cpu" for device in devices) or not fusion_works():
        return graph
    candidates = [node for node in graph.nodes if _follows_batchnorm(graph, node)]
    if not candidates:
        return graph
    outputs = inner_outputs(graph, shapes, types)
    layouts = Layouts(
        graph, {node: shape for (node, index), (shape, _) in outputs.items() if index == 0}
    )
    relus = set()
    for relu in candidates:
        norm = relu.inputs[0].node
        if outputs.get((norm, 0), ((), None))[1] == np.float32:
            if layouts.in_sixteens(norm.inputs[0].node) and layouts.gradient_fits(relu):
                relus.add(relu)
    return _fused(graph, relus)


def _follows_batchnorm(graph: SymbolGraph, node: Node) -> bool:
    """Whether a node is a ReLU and the only reader of a BatchNorm of (B, C, ...)."""
    if node.op != "relu" and (node.op != "Activation" or node.attr("act_type") != "relu"):
        return False
    norm = node.inputs[0].node
    return (
        norm.op == "BatchNorm"
        and norm.attr("axis", "1") == "1"
        and not norm.flag("output_mean_var")
        and graph.uses(norm) == 1
    )


def _fused(graph: SymbolGraph, relus: Collection[Node]) -> SymbolGraph:
    """Remove these ReLUs, and use the fused operator for their BatchNorms."""
    norms = {relu.inputs[0].node for relu in relus}

    def change(node: Node, new: Node) -> Node:
        if node in relus:
            return new.inputs[0].node
        if node not in norms:
            return new
        attrs = {key: value for key, value in node.attrs.items() if key in _SETTINGS}
        hidden = {key: value for key, value in node.attrs.items() if key[:2] == "__"}
        return replace(new, op=_FUSED, attrs={**attrs, **hidden})

    return graph.rewrite(change)


@functools.cache
def fusion_works() -> bool:
    """Whether MXNet's operator computes correct gradients on this processor, by trial.

    Processors without AVX2 have other layouts, and gradients would silently be wrong.
    """
    if not hasattr(mx.sym.contrib, "BatchNormWithReLU"):
        return False
    x = mx.sym.Variable("data")
    for number, side in enumerate((3, 1, 3)):
        x = mx.sym.Convolution(
            x, kernel=(side, side), pad=(side // 2,) * 2, num_filter=16, name=f"probe{number}"
        )
        x = mx.sym.BatchNorm(x, fix_gamma=False, name=f"probe_bn{number}")
        x = mx.sym.Activation(x, act_type="relu", name=f"probe_relu{number}")
    plain = mx.sym.MakeLoss(mx.sym.sum(mx.sym.square(x), axis=(1, 2, 3)))
    graph = SymbolGraph.of(plain)
    fused = _fused(graph, {node for node in graph.nodes if node.op == "Activation"}).symbol
    try:
        expected, computed = _gradients(plain), _gradients(fused)
    except (mx.base.MXNetError, RuntimeError):
        return False
    return all(np.array_equal(expected[name], computed[name]) for name in expected)


def _gradients(symbol: Any) -> dict[str, np.ndarray]:
    """Compute the gradients of a small random batch, by name."""
    executor = as_mxnet(symbol).simple_bind(mx.cpu(), data=(2, 16, 9, 11))
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(size=array.shape)
    executor.forward(is_train=True)
    executor.backward()
    return {name: array.asnumpy() for name, array in executor.grad_dict.items()}
