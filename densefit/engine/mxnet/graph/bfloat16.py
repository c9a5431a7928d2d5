"""Mixed precision: convolutions and dense layers in bfloat16, everything else in float32."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from densefit.backend import mx
from densefit.engine.mxnet.symbols import as_mxnet
from densefit.errors import ConfigError
from densefit.model.symbol_graph import Node, Output, SymbolGraph

PRECISIONS = ("float32", "bfloat16")
_LAYERS = ("Convolution", "FullyConnected")
_TYPE = "__dtype__"  # of a variable; "0" is float32


def check_precision(precision: str, devices: Any) -> None:
    """Raise ConfigError for a precision that cannot be trained in."""
    if precision == "bfloat16" and any(device.device_type != "cpu" for device in devices):
        raise ConfigError("MXNet 1.9.1 has bfloat16 on CPUs only", received=list(devices))
    if precision == "bfloat16" and not bfloat16_works():
        raise ConfigError(
            "This processor cannot compute with bfloat16",
            expected="one with AVX-512",
            fix="precision='float32'",
        )
    if precision in PRECISIONS:
        return
    fix = None
    if precision == "float16":
        fix = (
            "MXNet's CPU kernels have no float16 (its matrix product is not implemented); "
            "bfloat16 has the range of float32, so that no loss needs to be scaled"
        )
    raise ConfigError(
        "Unknown precision", expected=" or ".join(PRECISIONS), received=repr(precision), fix=fix
    )


@functools.cache
def bfloat16_works() -> bool:
    """Whether MXNet can train a layer in bfloat16 on this processor, by trial."""
    x = mx.sym.Variable("data")
    x = mx.sym.Convolution(x, kernel=(3, 3), num_filter=2, no_bias=True, name="probe")
    try:
        graph = in_bfloat16(SymbolGraph.of(mx.sym.MakeLoss(x)))
        executor = as_mxnet(graph.symbol).simple_bind(mx.cpu(), data=(1, 2, 3, 3))
        for array in executor.arg_dict.values():
            array[:] = 1
        (out,) = executor.forward(is_train=True)
        executor.backward()
        gradient = executor.grad_dict["probe_weight"]
        return bool((out == 18).asnumpy().all() and (gradient == 1).asnumpy().all())
    except (mx.base.MXNetError, RuntimeError):
        return False


def in_bfloat16(graph: SymbolGraph) -> SymbolGraph:
    """Let convolutions and dense layers of a float32 graph compute in bfloat16.

    Their inputs are rounded to 8 bits of mantissa, sums are kept in float32, in the backward pass
    too, and their outputs are float32 again. Parameters, their gradients, normalisation, losses and
    everything else stay float32, as in mixed precision (Micikevicius et al., 2018; Kalamkar et al.,
    "A Study of BFLOAT16 for Deep Learning Training", 2019).
    """
    rounded: dict[tuple[Node, int], Node] = {}

    def round_inputs(_: Node, node: Node) -> Node:
        if node.op not in _LAYERS:
            return node
        for position, (source, index, *_rest) in enumerate(node.inputs):
            if (source, index) not in rounded:
                cast = _cast(f"{source.name}_{index}_bfloat16", source, index, "bfloat16")
                rounded[source, index] = cast
            node = node.with_input(position, rounded[source, index])
        layer = replace(node, name=f"{node.name}_in_bfloat16")
        return _cast(node.name, layer, 0, "float32")

    parameters = {
        source.node
        for node in graph.nodes
        if node.op in _LAYERS
        for source in node.inputs[1:]
        if source.node.is_variable
    }

    def state_type(node: Node, new: Node) -> Node:
        # The type of a parameter cannot be inferred through a cast.
        return replace(new, attrs={_TYPE: "0", **new.attrs}) if node in parameters else new

    return graph.rewrite(state_type).rewrite(round_inputs)


def _cast(name: str, source: Node, index: int, dtype: str) -> Node:
    return Node("amp_cast", name, (Output(source, index),), {"dtype": dtype})
