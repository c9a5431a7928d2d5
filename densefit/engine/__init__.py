"""Symbol -> numbers: the compute engines, and the batches that they read.

`Engine` (engine.py) is the interface of an engine to training, checkpoints and scoring. There are
`densefit.engine.mxnet`, `densefit.engine.torch` and, for evaluation, `densefit.engine.onnx`: this
package alone names them, and imports the one that computes when it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from densefit.engine.selection import engine_module
from densefit.engine.selection import engine_name as engine_name

if TYPE_CHECKING:
    from densefit.engine.engine import Engine
    from densefit.engine.onnx.model_file import ModelFile
    from densefit.model.heads.head import Head
    from densefit.model.heads.route import Route
    from densefit.model.network import Network


def make(
    network: Network, devices: Sequence[Any] | None = None, engine: str | None = None
) -> Engine:
    """Make the engine that trains and evaluates a network.

    Args:
        network: network that provides the initial parameters and receives the trained ones.
        devices: devices of the engine; the CPU by default. A batch is split among them.
        engine: see `engine_name`.

    Raises:
        ConfigError: an unknown engine, or devices of another one.
        EngineError: the engine is not installed.
    """
    module = engine_module(engine_name(engine, network))
    learner: Engine = module.Learner(network, module.as_devices(devices))
    return learner


def read_exported(path: str | Path) -> ModelFile:
    """Read the file of an exported model."""
    file: ModelFile = engine_module("onnx").read_model(path)
    return file


def exported_network(
    file: ModelFile, heads: Sequence[Head], routes: Mapping[str, Route] | None = None
) -> Network:
    """Make the network of an exported model, which `make` runs by ONNX Runtime.

    Args:
        file: file of the model.
        heads: heads of the network that was exported.
        routes: name -> Route, for the model of a user's Symbol.
    """
    network: Network = engine_module("onnx").ExportedNetwork(file, heads, routes)
    return network


def seed(number: int, engine: str | None = None) -> None:
    """Seed an engine's random generator (dropout, initial values)."""
    engine_module(engine_name(engine)).seed(number)


def draw_seed(engine: str | None = None) -> int:
    """Draw a seed from an engine's random generator, whose state cannot be read."""
    return int(engine_module(engine_name(engine)).draw_seed())


def device_memory(engine: str | None = None) -> dict[int, tuple[int, int]]:
    """(free, total) bytes of each GPU by its number."""
    memory: dict[int, tuple[int, int]] = engine_module(engine_name(engine)).device_memory()
    return memory


def array_module(array: Any) -> Any:
    """The engine whose array this is, with its functions of maps (`zeros`, `to_device`...)."""
    if isinstance(array, np.ndarray):
        return engine_module("onnx")
    return engine_module("torch" if type(array).__module__.startswith("torch") else "mxnet")


def loss_labels(symbol: Any) -> list[str]:
    """Names of the labels that a Symbol's loss layers read."""
    from densefit.engine.graph import symbol_info
    from densefit.model.symbol_graph import SymbolGraph

    return symbol_info.loss_labels(SymbolGraph.of(symbol))


def inputs_read(symbol: Any, output: str) -> set[str]:
    """Inputs and parameters that the forward pass of one of a Symbol's outputs reads.

    Args:
        symbol: a graph.
        output: short name of the output.
    """
    from densefit.engine.graph import symbol_info
    from densefit.model.symbol_graph import SymbolGraph

    graph = symbol_info.forward_graph(SymbolGraph.of(symbol), [output])
    return {name for name in graph.symbol.list_arguments() if not name.endswith(symbol_info.UNREAD)}
