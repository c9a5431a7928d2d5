"""Symbol -> numbers: the compute engine, and the batches that it reads.

`Engine` (engine.py) is its interface to training, checkpoints and scoring. This package imports
an implementation lazily, so that everything else runs without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from densefit.engine.engine import Engine
    from densefit.engine.onnx.exported_network import ExportedNetwork
    from densefit.engine.onnx.model_file import ModelFile
    from densefit.model.heads.head import Head
    from densefit.model.heads.route import Route
    from densefit.model.network import Network


def make(network: Network, devices: Sequence[Any] | None = None) -> Engine:
    """Make the engine that trains and evaluates a network.

    Args:
        network: network that provides the initial parameters and receives the trained ones.
        devices: MXNet contexts; the CPU by default. A batch is split among them.
    """
    if getattr(network, "engine_name", None) == "onnx":
        from densefit.engine.onnx.evaluator import OnnxEngine

        return OnnxEngine(cast("ExportedNetwork", network), devices)
    from densefit.engine.mxnet.learner import Learner

    return Learner(network, devices)


def read_exported(path: str | Path) -> ModelFile:
    """Read the file of an exported model."""
    from densefit.engine.onnx.model_file import ModelFile

    return ModelFile(path)


def exported_network(
    file: ModelFile, heads: Sequence[Head], routes: Mapping[str, Route] | None = None
) -> Network:
    """Make the network of an exported model, which `make` runs by ONNX Runtime.

    Args:
        file: file of the model.
        heads: heads of the network that was exported.
        routes: name -> Route, for the model of a user's Symbol.
    """
    from densefit.engine.onnx.exported_network import ExportedNetwork

    return ExportedNetwork(file, heads, routes)


def seed(number: int) -> None:
    """Seed the engine's random generator (dropout, initial values)."""
    from densefit.engine.mxnet import seeding

    seeding.seed(number)


def draw_seed() -> int:
    """Draw a seed from the engine's random generator, whose state cannot be read."""
    from densefit.engine.mxnet import seeding

    return seeding.draw_seed()


def zeros(shape: Sequence[int], like: Any) -> Any:
    """Make a float32 array of zeros on the device of another array."""
    from densefit.engine.mxnet.devices import zeros

    return zeros(shape, like)


def to_device(array: np.ndarray, like: Any) -> Any:
    """Copy a numpy array to the device of another array, as float32.

    Args:
        array: host memory.
        like: an array of the engine.
    """
    from densefit.engine.mxnet.devices import to_device

    return to_device(array, like)


def device_memory() -> dict[int, tuple[int, int]]:
    """(free, total) bytes of each GPU by its number."""
    from densefit.engine.mxnet.devices import device_memory

    return device_memory()


def loss_labels(symbol: Any) -> list[str]:
    """Names of the labels that a Symbol's loss layers read."""
    from densefit.engine.mxnet.graph import symbol_info
    from densefit.model.symbol_graph import SymbolGraph

    return symbol_info.loss_labels(SymbolGraph.of(symbol))


def inputs_read(symbol: Any, output: str) -> set[str]:
    """Inputs and parameters that the forward pass of one of a Symbol's outputs reads.

    Args:
        symbol: a graph.
        output: short name of the output.
    """
    from densefit.engine.mxnet.graph import symbol_info
    from densefit.model.symbol_graph import SymbolGraph

    graph = symbol_info.forward_graph(SymbolGraph.of(symbol), [output])
    return {name for name in graph.symbol.list_arguments() if not name.endswith(symbol_info.UNREAD)}
