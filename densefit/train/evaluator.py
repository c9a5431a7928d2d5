"""The eval graph: bound to a feeder's shapes, given parameters, run on batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Callable, Dict  # noqa: UP035 - read at run time on Python 3.9

import numpy as np

from densefit import backend
from densefit.backend import mx
from densefit.errors import BindError, DataError, located
from densefit.model.network import Network
from densefit.model.route import short_name
from densefit.train.executors import Executor, Executors, Program
from densefit.train.feed import Fed, Feeder
from densefit.train.folding import fold
from densefit.train.module import usable
from densefit.train.pooled import with_poolings
from densefit.train.symbols import check_parameters, infer_shapes, loss_labels

Finish = Callable[[Dict[str, np.ndarray]], Dict[str, np.ndarray]]  # noqa: UP006 - Python 3.9


class Pending:
    """The outputs of a batch that is being computed.

    Args:
        arrays: see below.
        finish: brings outputs in host memory to the form that heads decode.

    Attributes:
        arrays: the real rows of each output as an NDArray, by short name.
    """

    def __init__(self, arrays: dict[str, Any], finish: Finish) -> None:
        self.arrays = arrays
        self._finish = finish

    def read(self) -> dict[str, np.ndarray]:
        """The outputs in host memory. Sync point: waits for the forward pass."""
        return self._finish({name: array.asnumpy() for name, array in self.arrays.items()})


class Evaluator:
    """Outputs of a network's eval graph, batch by batch.

    Executors have arrays of their own: memory shared with the train graph would let one graph
    overwrite the other's outputs. Parameters are copied into them when they have changed, with
    BatchNorms folded into the layers before them. Batches of several sizes have an executor each;
    those used last are kept.

    Args:
        network: whose eval graph and parameters are used.
        devices: MXNet contexts; a batch is split among them, or among the first of them if it has
            too few rows.
        mode: "evaluate"; "raw" for what heads finish on the host; "views" for the outputs that a
            head's merger needs.
        limit: executors kept at most.
    """

    def __init__(
        self, network: Network, devices: Sequence[Any], mode: str = "evaluate", limit: int = 8
    ) -> None:
        self.network = network
        self.mode = mode
        self.devices = list(devices)
        self.executors = Executors(limit)
        self._version: int | None = None  # of the parameters in the executors
        self._outputs: list[str] = []

    def check(self, feeder: Feeder) -> None:
        """Whether the feeder's batches fit the eval graph; binds and reads nothing.

        Raises:
            BindError: they do not; names the head.
        """
        self._shapes(feeder, {desc.name: tuple(desc.shape) for desc in feeder.data_descs})
        feeder.check_compared()

    def start(self, fed: Fed, feeder: Feeder, version: int) -> Pending:
        """Begin with a batch; returns before it is computed.

        Args:
            fed: a batch of `feeder`.
            feeder: says which shapes and heads.
            version: number of the present parameters; another than the last time means that
                they have changed.

        Raises:
            DataError: the batch holds padding, and an output is one number for all its rows.
        """
        full = feeder.batch_size
        if feeder.sizes_vary:
            data = dict(fed.data)
        else:
            # A smaller last batch is filled up: another shape would need another executor.
            shapes = {desc.name: desc.shape[0] for desc in feeder.data_descs}
            data = {name: _fill_rows(array, shapes[name]) for name, array in fed.data.items()}
        outputs = self._executor(feeder, data, version).forward(data)
        arrays = dict(zip(self._outputs, outputs))
        found = {}
        for wire in feeder.wires:
            for name in wire.outputs(self.mode):
                rows = wire.rows(name)
                if rows == 0 and fed.real != full:
                    raise DataError(
                        f"The output {name!r} is one number for a whole batch, and this batch "
                        "holds padding: no exact score can be made of it",
                        received=f"{fed.real} samples in a batch of {full}",
                        where=f"head {wire.name}",
                        fix="let the symbol give one number a sample, or choose a batch size "
                        "that divides the dataset",
                    )
                array = arrays[name] if rows == 0 else arrays[name][: fed.real * rows]
                # A copy, because the next batch is computed into the same memory. Made by the
                # engine when the forward pass is done: nothing waits here.
                found[name] = array.copy()
        return Pending(found, partial(self._finish, feeder, _input_size(fed.data, feeder)))

    def _finish(
        self, feeder: Feeder, input_size: tuple[int, int] | None, outputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """What heads decode of what the graph gave."""
        finished: dict[str, np.ndarray] = {}
        for wire in feeder.wires:
            finished.update(wire.finish(self.mode, outputs, input_size))
        return finished

    def _shapes(
        self, feeder: Feeder, shapes: Mapping[str, tuple[int, ...]]
    ) -> tuple[Any, dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """What is bound for data of these shapes.

        Returns:
            (symbol, shape of each input that is no parameter, shape of each parameter).
        """
        data = shapes[feeder.data_descs[0].name]
        input_size = _input_size(shapes, feeder)
        symbol = self.network.graph(self.mode, input_size)
        feeder.check_data(symbol)
        arguments = set(symbol.list_arguments())
        provided = {d.name: tuple(d.shape) for d in feeder.label_descs if d.name in arguments}
        given = {**shapes, **provided}
        heads = [wire.name for wire in feeder.wires]
        known, outputs = infer_shapes(symbol, given, heads)
        devices = usable(self.devices, data[0])
        for wire in feeder.wires:
            wire.check(self.mode, outputs, data[0], len(devices))
        # Labels that only a loss reads need no data here, but must not pass for parameters.
        labels = {*loss_labels(symbol), *(n for w in self.network.wires.values() for n in w.labels)}
        inputs = {
            **given,
            **{name: known[name] for name in sorted((labels & arguments) - set(given))},
        }
        return symbol, inputs, {name: known[name] for name in known if name not in inputs}

    def _executor(self, feeder: Feeder, data: Mapping[str, Any], version: int) -> Executor:
        """The executor for data of such shapes, with the present parameters."""
        types = {desc.name: np.dtype(desc.dtype) for desc in feeder.data_descs}
        shapes = {name: tuple(data[name].shape) for name in types}
        key = tuple((name, shape, str(types[name])) for name, shape in shapes.items())
        if self._version != version:
            # A fused executor (the user's own MXNET_SUBGRAPH_BACKEND) keeps its first weights.
            if backend.subgraph_fusion():
                self.executors.drop()
            self.executors.load(self._parameters)
            self._version = version
        found = self.executors.find(key)
        if found is not None:
            return found
        symbol, inputs, parameters = self._shapes(feeder, shapes)
        self._check(feeder, parameters)
        self._outputs = [short_name(name) for name in symbol.list_outputs()]
        folded, folds = fold(with_poolings(symbol, inputs, types))
        rows = next(iter(shapes.values()))[0]
        with located(f"heads {', '.join(wire.name for wire in feeder.wires)}"):
            return self.executors.bind(
                key,
                Program(folded, folds, inputs, types),
                usable(self.devices, rows),
                rows,
                self._parameters,
            )

    def _parameters(self) -> dict[str, Any]:
        arguments, auxiliary = self.network.get_params()
        return {**arguments, **auxiliary}

    def _check(self, feeder: Feeder, parameters: Mapping[str, tuple[int, ...]]) -> None:
        """Raise BindError unless the network's parameters are those of a graph."""
        given = self._parameters() if parameters else {}
        missing = [name for name in parameters if name not in given]
        if missing:
            raise BindError(
                "The network has no value for some parameters",
                expected=missing,
                received=f"{len(given)} parameters",
                fix="load a checkpoint of this network, or train it",
            )
        check_parameters(parameters, given, [wire.name for wire in feeder.wires])


def _input_size(data: Mapping[str, Any], feeder: Feeder) -> tuple[int, int] | None:
    """(height, width) of inputs, or of their shapes by name, that are pictures (B, C, H, W)."""
    first = data[feeder.data_descs[0].name]
    shape = getattr(first, "shape", first)
    return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None


def _fill_rows(array: Any, rows: int) -> Any:
    """Repeat the last row up to `rows`: the copies are cut off the outputs."""
    short = rows - array.shape[0]
    if short == 0:
        return array
    return mx.nd.concat(array, mx.nd.repeat(array[-1:], short, axis=0), dim=0)
