"""A trained network that computes the outputs which heads of a student learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit import engine as engines
from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.load import load
from densefit.data.batch import ArraySpec, Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.model.network_graph import build_teacher
from densefit.symbol import sym

Size = tuple[int, int]


def read_teacher(teacher: Any, where: str) -> Network:
    """The network of a run's best checkpoint, else of its newest, or of a checkpoint.

    Args:
        teacher: folder, or a Network.
        where: place of the setting, for errors.

    Raises:
        CheckpointError: there is none.
        ConfigError: it is no network of heads with a graph, or it has no parameters.
    """
    network = teacher
    if not isinstance(teacher, Network):
        network = load(store.best(Path(teacher)) or teacher)
    if not network.heads or network.engine_name is not None:
        raise ConfigError(
            "A teacher is a network of densefit's heads",
            expected="a df.Network with heads, or the folder of its training",
            received="an exported model" if network.heads else "a Symbol with routes",
            where=where,
        )
    network.check_initialized()
    return network


class Teacher:
    """Computes `teacher_outputs` of some heads of a trained network, with its moving statistics.

    Args:
        network: the trained network.
        heads: its heads that teach.
        engine: name of the engine.
        devices: devices of the engine.
    """

    def __init__(
        self, network: Network, heads: Sequence[Head], engine: str, devices: Sequence[Any] | None
    ) -> None:
        self.network, self.heads = network, list(heads)
        self._engine_name, self._devices = engine, devices
        self._engines: dict[Any, tuple[Engine, _Batches, BatchReader]] = {}

    def graph(self, size: Size) -> Any:
        """Symbol of all outputs at an input of (height, width), `<head>_<output>`."""
        features = self.network.build_trunk(size).features
        return sym.Group([build_teacher(features[head.name], head) for head in self.heads])

    def shapes(self, size: Size) -> dict[str, tuple[int, ...]]:
        """Shapes of the outputs for one sample, by name."""
        return output_shapes(self.graph(size), size)

    def __call__(self, batch: Batch, specs: Sequence[ArraySpec]) -> dict[str, np.ndarray]:
        """The outputs for the real rows of a batch, by name."""
        name = specs[0].name
        data = batch.data[name]
        key = (data.shape, data.dtype)
        if key not in self._engines:
            self._engines[key] = self._bound(specs[0]._replace(shape=data.shape))
        engine, source, reader = self._engines[key]
        source.batches = [Batch({name: data}, {}, real=batch.real, ids=batch.ids)]
        ((_, outputs),) = engine.evaluate(reader, nonfinite="raise")
        return outputs

    def _bound(self, spec: ArraySpec) -> tuple[Engine, _Batches, BatchReader]:
        graph = self.graph((int(spec.shape[2]), int(spec.shape[3])))
        outputs = [name[: -len("_output")] for name in graph.list_outputs()]
        network = Network(symbol=graph, routes={"teacher": Route(outputs=outputs)})
        used = {*graph.list_arguments(), *graph.list_auxiliary_states()}
        parts = (self.network.parameters, self.network.statistics)
        network.set_params(*({n: part[n] for n in part if n in used} for part in parts))
        engine = engines.make(network, self._devices, self._engine_name)
        source = _Batches(spec)
        return engine, source, BatchReader(source, list(network.adapters.values()), "teacher")

    @property
    def fingerprint(self) -> str:
        """Hash of the parameters that teach."""
        digest = hashlib.sha256()
        for part in (self.network.parameters, self.network.statistics):
            for name in sorted(part):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(part[name]).tobytes())
        return digest.hexdigest()[:16]


class _Batches:
    """An iterator over batches of one shape that are set before each pass."""

    provide_label: Sequence[ArraySpec] = ()

    def __init__(self, spec: ArraySpec) -> None:
        self.provide_data = [spec]
        self.batches: Sequence[Batch] = ()

    def reset(self) -> None:
        """Move to the start, where each iteration begins."""

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def output_shapes(graph: Any, size: Size) -> dict[str, tuple[int, ...]]:
    """Shapes of a graph's outputs for one image of (height, width), without the batch, by name."""
    _, shapes, _ = graph.infer_shape(data=(1, 3, *size))
    names = [name[: -len("_output")] for name in graph.list_outputs()]
    return {name: tuple(shape[1:]) for name, shape in zip(names, shapes)}
