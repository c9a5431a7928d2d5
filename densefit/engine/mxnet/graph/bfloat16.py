"""Half the bits where most of the arithmetic is: convolutions and dense layers in bfloat16."""

from __future__ import annotations

import functools
import json
from typing import Any

from densefit.backend import mx, symbol_of
from densefit.errors import ConfigError

PRECISIONS = ("float32", "bfloat16")
_LAYERS = ("Convolution", "FullyConnected")


def check_precision(precision: str, devices: Any) -> None:
    """Raise ConfigError for a precision that training cannot be made in."""
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
    """Whether MXNet can train a layer with bfloat16 on this processor: it is tried."""
    x = mx.sym.Variable("data")
    x = mx.sym.Convolution(x, kernel=(3, 3), num_filter=2, no_bias=True, name="probe")
    try:
        executor = in_bfloat16(mx.sym.MakeLoss(x)).simple_bind(mx.cpu(), data=(1, 2, 3, 3))
        for array in executor.arg_dict.values():
            array[:] = 1
        (out,) = executor.forward(is_train=True)
        executor.backward()
        gradient = executor.grad_dict["probe_weight"]
        return bool((out == 18).asnumpy().all() and (gradient == 1).asnumpy().all())
    except (mx.base.MXNetError, RuntimeError):
        return False


def in_bfloat16(symbol: Any) -> Any:
    """The Symbol whose convolutions and dense layers compute with bfloat16.

    What goes into them is rounded to 8 bits of mantissa, and sums are kept in float32, in the
    backward pass too; what comes out is float32 again. Parameters, their gradients, normalisation,
    losses and everything else stay float32, as mixed precision has it (Micikevicius et al., 2018;
    Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019).

    Args:
        symbol: in float32.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes: list[dict[str, Any]] = []
    moved: list[int] = []  # where each node is now
    rounded: dict[tuple[int, int], int] = {}  # output -> its cast

    def add(node: dict[str, Any]) -> int:
        nodes.append(node)
        return len(nodes) - 1

    def cast(name: str, source: list[int], dtype: str) -> int:
        return add({"op": "amp_cast", "name": name, "attrs": {"dtype": dtype}, "inputs": [source]})

    for node in graph["nodes"]:
        inputs = [[moved[entry[0]], *entry[1:]] for entry in node["inputs"]]
        if node["op"] not in _LAYERS:
            moved.append(add({**node, "inputs": inputs}))
            continue
        for place, entry in enumerate(inputs):
            key = (entry[0], entry[1])
            source = nodes[entry[0]]
            if source["op"] == "null" and place > 0:
                # A parameter, whose type a cast does not tell.
                source["attrs"] = {"__dtype__": "0", **source.get("attrs", {})}
            if key not in rounded:
                rounded[key] = cast(f"{source['name']}_{entry[1]}_bfloat16", entry, "bfloat16")
            inputs[place] = [rounded[key], 0, 0]
        layer = add({**node, "name": f"{node['name']}_in_bfloat16", "inputs": inputs})
        moved.append(cast(node["name"], [layer, 0, 0], "float32"))
    changed = {
        **graph,
        "nodes": nodes,
        "arg_nodes": [number for number, node in enumerate(nodes) if node["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[moved[entry[0]], *entry[1:]] for entry in graph["heads"]],
    }
    return symbol_of(changed)
