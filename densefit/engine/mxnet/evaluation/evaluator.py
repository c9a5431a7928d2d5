"""Outputs of a network's eval graph, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit import backend
from densefit.backend import mx
from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.graph.fold_batchnorm import fold
from densefit.engine.graph_check import check_compared
from densefit.engine.mxnet.devices import usable
from densefit.engine.mxnet.evaluation.executor import Executor
from densefit.engine.mxnet.evaluation.executors import Executors
from densefit.engine.mxnet.evaluation.graphs import EvalGraphs, input_size, outputs_of
from densefit.engine.mxnet.graph.mean_to_pooling import with_poolings
from densefit.errors import DataError, located
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

Look = Callable[[dict[str, np.ndarray]], None]
Finish = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


class Pending:
    """Outputs of a batch that is being computed.

    Args:
        arrays: see below.
        finish: converts outputs in host memory to the form that heads decode.

    Attributes:
        arrays: the real rows of each output as an NDArray, by short name.
    """

    def __init__(self, arrays: dict[str, Any], finish: Finish) -> None:
        self.arrays = arrays
        self._finish = finish

    def read(self, look: Look = lambda arrays: None) -> dict[str, np.ndarray]:
        """Read the outputs to host memory. Sync point: waits for the forward pass.

        Args:
            look: called with the outputs before they are finished.
        """
        arrays = {name: array.asnumpy() for name, array in self.arrays.items()}
        look(arrays)
        return self._finish(arrays)


class Evaluator:
    """Outputs of a network's eval graph, batch by batch.

    Executors share no memory with the train graph, as one graph would overwrite the other's
    outputs. Changed parameters are copied into them, with BatchNorms folded into the preceding
    layers. Each batch shape has an executor; the most recently used ones are cached.

    Args:
        network: network whose eval graph and parameters are used.
        devices: MXNet contexts; a batch is split among them, or among the first of them if it has
            too few rows.
        mode: "evaluate"; "raw" for what heads finish on the host; "views" for the outputs that a
            head's merger needs.
        limit: executors in the cache.
    """

    def __init__(
        self, network: Network, devices: Sequence[Any], mode: str = "evaluate", limit: int = 8
    ) -> None:
        self.network, self.mode, self.devices = network, mode, list(devices)
        self.graphs = EvalGraphs(network, mode, devices)
        self.executors = Executors(limit)
        self._version: int | None = None  # of the parameters in the executors

    def check(self, reader: BatchReader, values: bool = False) -> None:
        """Check that batches fit the eval graph; binds and reads nothing.

        Args:
            reader: reader of the data.
            values: whether the network must have all parameters; other inputs of the graph must
                come from the data.

        Raises:
            BindError: the batches do not fit.
        """
        shapes = {desc.name: tuple(desc.shape) for desc in self.graphs.specs(reader)}
        program = self.graphs.program(reader, shapes)
        if values:
            self.graphs.check_values(reader, program.parameters)
        check_compared(reader)

    def start(self, batch: Batch, reader: BatchReader, version: int) -> Pending:
        """Start computing a batch; returns before it is computed.

        Args:
            batch: a batch of `reader`.
            reader: reader of the batch, with its shapes and heads.
            version: version number of the parameters; it changes with them.
        """
        inputs, rows = self._rows(batch, reader)
        executor = self._executor(reader, inputs, version)
        outputs = executor.forward({name: inputs[name] for name in executor.program.types})
        arrays = dict(zip(executor.program.outputs, outputs))
        outputs_by_name = {}
        for adapter in reader.adapters:
            for name in adapter.outputs(self.mode):
                # A copy, because the next batch is computed into the same memory. MXNet copies
                # after the forward pass; nothing waits here. Some rows are copied by an operator:
                # a view of an array in oneDNN's blocked layout cannot be copied.
                if batch.real == rows:
                    outputs_by_name[name] = arrays[name].copy()
                else:
                    each = adapter.rows(name) or (1 if self.network.heads else 0)
                    if not each:
                        raise _mixed(name, arrays[name].shape, batch.real, rows)
                    end = batch.real * each
                    outputs_by_name[name] = mx.nd.slice_axis(arrays[name], axis=0, begin=0, end=end)
        return Pending(
            outputs_by_name, partial(self._finish, reader, input_size(batch.data, reader))
        )

    def _rows(self, batch: Batch, reader: BatchReader) -> tuple[dict[str, Any], int]:
        """(arrays of a batch with the bound number of rows, number of rows).

        For heads a smaller last batch is filled up, as another shape would need another executor.
        For a user's Symbol padding is cut off, as rows of its outputs may depend on several rows.
        """
        if not self.network.heads:
            arrays = batch.arrays
            if batch.real == reader.batch_size or self.graphs.can_cut(reader):
                return {name: batch.real_rows(array) for name, array in arrays.items()}, batch.real
            full = {desc.name: desc.shape[0] for desc in reader.specs}
            filled = {name: _fill_rows(array, full[name]) for name, array in arrays.items()}
            return filled, reader.batch_size
        if reader.sizes_vary:
            return dict(batch.data), batch.rows
        full = {desc.name: desc.shape[0] for desc in reader.data_specs}
        return {
            name: _fill_rows(array, full[name]) for name, array in batch.data.items()
        }, reader.batch_size

    def _finish(
        self,
        reader: BatchReader,
        input_size: tuple[int, int] | None,
        outputs: dict[str, np.ndarray],
    ) -> dict[str, np.ndarray]:
        """Convert the graph's outputs to the form that heads decode."""
        finished: dict[str, np.ndarray] = {}
        for adapter in reader.adapters:
            finished.update(adapter.finish(self.mode, outputs, input_size))
        return finished

    def _executor(self, reader: BatchReader, arrays: Mapping[str, Any], version: int) -> Executor:
        """Get the executor for arrays of these shapes, with the current parameters."""
        specs = self.graphs.specs(reader)
        shapes = {desc.name: tuple(arrays[desc.name].shape) for desc in specs}
        key: Any = tuple((desc.name, shapes[desc.name], str(desc.dtype)) for desc in specs)
        if not self.network.heads:
            key = (outputs_of(reader, self.mode), key)
        if self._version != version:
            # A fused executor (the user's own MXNET_SUBGRAPH_BACKEND) keeps its first weights.
            if backend.subgraph_fusion():
                self.executors.drop()
            self.executors.load(self.graphs.values)
            self._version = version
        executor = self.executors.find(key)
        if executor is not None:
            return executor
        program = self.graphs.program(reader, shapes)
        self.graphs.check_values(reader, program.parameters)
        graph = with_poolings(SymbolGraph.of(program.symbol), program.inputs, program.types)
        graph, program.folds = fold(graph)
        program.symbol = graph.symbol
        rows = next(iter(shapes.values()))[0]
        with located(f"heads {', '.join(adapter.name for adapter in reader.adapters)}"):
            return self.executors.bind(
                key, program, usable(self.devices, rows), rows, self.graphs.values
            )


def _mixed(output: str, shape: tuple[int, ...], real: int, rows: int) -> DataError:
    """Make the error for an output of a padded batch that is computed from all rows."""
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
    array = np.asarray(array)
    return np.concatenate([array, np.repeat(array[-1:], short, axis=0)])
