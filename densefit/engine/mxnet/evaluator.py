"""The eval graph: bound to a feeder's shapes, given parameters, run on batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit import backend
from densefit.backend import mx
from densefit.engine.batch_reader import Fed, Feeder, real_rows
from densefit.engine.mxnet.devices import usable
from densefit.engine.mxnet.executors import Executor, Executors, Program
from densefit.engine.mxnet.graph.fold_batchnorm import fold
from densefit.engine.mxnet.graph.mean_to_pooling import with_poolings
from densefit.engine.mxnet.graph.parameter_checks import check_parameters
from densefit.engine.mxnet.graph.sample_means import numbers_of
from densefit.engine.mxnet.graph.shapes import can_cut_rows, infer_shapes
from densefit.engine.mxnet.graph.symbol_info import UNREAD, forward_graph
from densefit.engine.mxnet.inputs import bound_inputs
from densefit.errors import BindError, DataError, located
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import SymbolGraph

Look = Callable[[dict[str, np.ndarray]], None]
Finish = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


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

    def read(self, look: Look = lambda arrays: None) -> dict[str, np.ndarray]:
        """The outputs in host memory. Sync point: waits for the forward pass.

        Args:
            look: called with them as they were computed.
        """
        arrays = {name: array.asnumpy() for name, array in self.arrays.items()}
        look(arrays)
        return self._finish(arrays)


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
        self._cuts: dict[Any, bool] = {}  # whether these can be computed of some rows
        self._numbers: dict[Any, dict[str, str] | None] = {}  # of the same
        self._cut: dict[tuple[str, ...], Any] = {}  # graphs of some outputs of a user's Symbol

    def check(self, feeder: Feeder, values: bool = False) -> None:
        """Whether the feeder's batches fit the eval graph; binds and reads nothing.

        Args:
            feeder: of the data.
            values: whether the network has all parameters by now, so that what the graph reads
                beside them must come from the data.

        Raises:
            BindError: they do not; names the head.
        """
        shapes = {desc.name: tuple(desc.shape) for desc in self._descs(feeder)}
        program = self._program(feeder, shapes)
        if values:
            self._check(feeder, program.parameters)
        feeder.check_compared()

    def start(self, fed: Fed, feeder: Feeder, version: int) -> Pending:
        """Begin with a batch; returns before it is computed.

        Args:
            fed: a batch of `feeder`.
            feeder: says which shapes and heads.
            version: number of the present parameters; another than the last time means that
                they have changed.
        """
        given, rows = self._rows(fed, feeder)
        executor = self._executor(feeder, given, version)
        outputs = executor.forward({name: given[name] for name in executor.program.types})
        arrays = dict(zip(executor.program.outputs, outputs))
        found = {}
        for wire in feeder.wires:
            for name in wire.outputs(self.mode):
                # A copy, because the next batch is computed into the same memory. Made by the
                # engine when the forward pass is done: nothing waits here. Of all rows, or of some
                # by an operator: a view of what oneDNN lays out in blocks cannot be copied.
                if fed.real == rows:
                    found[name] = arrays[name].copy()
                else:
                    each = wire.rows(name) or (1 if self.network.heads else 0)
                    if not each:
                        raise _mixed(name, arrays[name].shape, fed.real, rows)
                    end = fed.real * each
                    found[name] = mx.nd.slice_axis(arrays[name], axis=0, begin=0, end=end)
        return Pending(found, partial(self._finish, feeder, _input_size(fed.data, feeder)))

    def _rows(self, fed: Fed, feeder: Feeder) -> tuple[dict[str, Any], int]:
        """The arrays of a batch with as many rows as are bound for it, and how many these are.

        Of heads a smaller last batch is filled up: another shape would need another executor. Of a
        user's Symbol the padding is cut off: nobody knows which of an output's rows are whose.
        """
        if not self.network.heads:
            arrays = {**fed.data, **fed.label}
            if fed.real == feeder.batch_size or self.can_cut(feeder):
                return {name: real_rows(array, fed) for name, array in arrays.items()}, fed.real
            full = {desc.name: desc.shape[0] for desc in feeder.descs}
            filled = {name: _fill_rows(array, full[name]) for name, array in arrays.items()}
            return filled, feeder.batch_size
        if feeder.sizes_vary:
            return dict(fed.data), fed.rows
        full = {desc.name: desc.shape[0] for desc in feeder.data_descs}
        return {
            name: _fill_rows(array, full[name]) for name, array in fed.data.items()
        }, feeder.batch_size

    def can_cut(self, feeder: Feeder) -> bool:
        """Whether the outputs of some rows can be computed without the others."""
        shapes = {desc.name: tuple(desc.shape) for desc in feeder.descs}
        key = (_outputs_of(feeder, self.mode), tuple(shapes.items()))
        if key not in self._cuts:
            program = self._program(feeder, shapes)
            self._cuts[key] = can_cut_rows(program.symbol, program.inputs, feeder.batch_size)
        return self._cuts[key]

    def numbers(self, feeder: Feeder) -> dict[str, str] | None:
        """Outputs that are no rows, and why they are no means over samples; see `numbers_of`."""
        shapes = {desc.name: tuple(desc.shape) for desc in feeder.descs}
        key = (_outputs_of(feeder, self.mode), tuple(shapes.items()))
        if key not in self._numbers:
            program = self._program(feeder, shapes)
            self._numbers[key] = numbers_of(
                SymbolGraph.of(program.symbol), program.inputs, feeder.batch_size
            )
        return self._numbers[key]

    def _finish(
        self, feeder: Feeder, input_size: tuple[int, int] | None, outputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """What heads decode of what the graph gave."""
        finished: dict[str, np.ndarray] = {}
        for wire in feeder.wires:
            finished.update(wire.finish(self.mode, outputs, input_size))
        return finished

    def _descs(self, feeder: Feeder) -> list[Any]:
        """The arrays that an eval graph may read: of heads, none of the labels."""
        return feeder.data_descs if self.network.heads else feeder.descs

    def _graph(self, feeder: Feeder, input_size: tuple[int, int] | None) -> Any:
        """The eval graph of the feeder's heads: of a user's Symbol, their outputs alone."""
        symbol = self.network.graph(self.mode, input_size)
        feeder.check_data(symbol)
        if self.network.heads:
            return symbol
        names = _outputs_of(feeder, self.mode)
        if names not in self._cut:
            self._cut[names] = forward_graph(SymbolGraph.of(symbol), names).symbol
        return self._cut[names]

    def _program(self, feeder: Feeder, shapes: Mapping[str, tuple[int, ...]]) -> Program:
        """What is bound for arrays of these shapes, and which shapes parameters have.

        Raises:
            BindError: they do not fit the graph; names the head.
        """
        data = shapes[feeder.data_descs[0].name]
        symbol = self._graph(feeder, _input_size(shapes, feeder))
        arguments = set(symbol.list_arguments())
        heads = [wire.name for wire in feeder.wires]
        fed = bound_inputs(
            symbol,
            {d.name: _shaped(d, shapes) for d in feeder.data_descs if d.name in arguments},
            {
                desc.name: _shaped(desc, shapes)
                for desc in feeder.label_descs
                if desc.name in arguments and desc.name in shapes
            },
            f"heads {', '.join(heads)}",
        )
        given = {name: own.shape for name, own in fed.items()}
        known, outputs = infer_shapes(symbol, given, heads)
        devices = usable(self.devices, data[0])
        for wire in feeder.wires:
            wire.check(self.mode, outputs, data[0], len(devices))
        # Labels that the forward pass does not read need no data, and are no parameters.
        inputs = {
            name: known[name]
            for name in symbol.list_arguments()
            if name in fed or name.endswith(UNREAD)
        }
        return Program(
            symbol,
            [],
            inputs,
            {name: own.dtype for name, own in fed.items()},
            [short_name(name) for name in symbol.list_outputs()],
            fed,
            {name: known[name] for name in known if name not in inputs},
        )

    def _executor(self, feeder: Feeder, arrays: Mapping[str, Any], version: int) -> Executor:
        """The executor for arrays of such shapes, with the present parameters."""
        descs = self._descs(feeder)
        shapes = {desc.name: tuple(arrays[desc.name].shape) for desc in descs}
        key: Any = tuple((desc.name, shapes[desc.name], str(desc.dtype)) for desc in descs)
        if not self.network.heads:
            key = (_outputs_of(feeder, self.mode), key)
        if self._version != version:
            # A fused executor (the user's own MXNET_SUBGRAPH_BACKEND) keeps its first weights.
            if backend.subgraph_fusion():
                self.executors.drop()
            self.executors.load(self._parameters)
            self._version = version
        found = self.executors.find(key)
        if found is not None:
            return found
        program = self._program(feeder, shapes)
        self._check(feeder, program.parameters)
        graph = with_poolings(SymbolGraph.of(program.symbol), program.inputs, program.types)
        graph, program.folds = fold(graph)
        program.symbol = graph.symbol
        rows = next(iter(shapes.values()))[0]
        with located(f"heads {', '.join(wire.name for wire in feeder.wires)}"):
            return self.executors.bind(
                key, program, usable(self.devices, rows), rows, self._parameters
            )

    def _parameters(self) -> dict[str, np.ndarray]:
        self.network.check_initialized()
        return {**self.network.parameters, **self.network.statistics}

    def _check(self, feeder: Feeder, parameters: Mapping[str, tuple[int, ...]]) -> None:
        """Raise BindError unless the network's parameters are those of a graph."""
        given = self._parameters() if parameters else {}
        missing = [name for name in parameters if name not in given]
        if missing:
            raise BindError(
                "The network has no value for some parameters"
                + ("" if self.network.heads else f", nor do the {feeder.where} data provide them"),
                expected=missing,
                received=f"{len(given)} parameters and the inputs "
                f"{[desc.name for desc in self._descs(feeder)]}",
                where=f"heads {', '.join(wire.name for wire in feeder.wires)}",
                fix="parameters: load a checkpoint of this network, or train it; inputs and labels "
                "that an output is computed from: let the iterator provide them, or ask for "
                "outputs that do not read them",
            )
        check_parameters(parameters, given, [wire.name for wire in feeder.wires])


def _input_size(data: Mapping[str, Any], feeder: Feeder) -> tuple[int, int] | None:
    """(height, width) of inputs, or of their shapes by name, that are pictures (B, C, H, W)."""
    first = data[feeder.data_descs[0].name]
    shape = getattr(first, "shape", first)
    return (int(shape[2]), int(shape[3])) if len(shape) == 4 else None


def _outputs_of(feeder: Feeder, mode: str) -> tuple[str, ...]:
    """Short names of what the feeder's heads read, each once."""
    return tuple(dict.fromkeys(name for wire in feeder.wires for name in wire.outputs(mode)))


def _shaped(desc: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """A DataDesc of another shape."""
    return mx.io.DataDesc(desc.name, shapes[desc.name], desc.dtype, desc.layout)


def _mixed(output: str, shape: tuple[int, ...], real: int, rows: int) -> DataError:
    """What is raised for an output of a padded batch that has no rows of its samples."""
    return DataError(
        f"The output {output!r} is computed from all rows of a batch, padding included",
        expected=f"full batches: the symbol is made for {rows} rows",
        received=f"{real} samples in a batch of {rows}, the output's shape {tuple(shape)}",
        fix="a batch size that divides the number of samples; or a symbol for any number of rows "
        "(0 or -1 for the batch size in its shapes)",
    )


def _fill_rows(array: Any, rows: int) -> Any:
    """Repeat the last row up to `rows`: the copies are cut off the outputs."""
    short = rows - array.shape[0]
    if short == 0:
        return array
    return mx.nd.concat(array, mx.nd.repeat(array[-1:], short, axis=0), dim=0)
