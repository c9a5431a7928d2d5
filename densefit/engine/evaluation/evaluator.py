"""Outputs of a network's eval graph, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.graphs import EvalGraphs, input_size
from densefit.engine.graph_check import check_compared
from densefit.errors import DataError
from densefit.model.host_arrays import to_numpy

Look = Callable[[dict[str, np.ndarray]], None]
Finish = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


class Pending:
    """Outputs of a batch that is being computed.

    Args:
        arrays: see below.
        finish: converts outputs in host memory to the form that heads decode.

    Attributes:
        arrays: the real rows of each output on its device, by short name.
    """

    def __init__(self, arrays: dict[str, Any], finish: Finish) -> None:
        self.arrays = arrays
        self._finish = finish

    def read(self, look: Look = lambda arrays: None) -> dict[str, np.ndarray]:
        """Read the outputs to host memory. Sync point: waits for the forward pass.

        Args:
            look: called with the outputs before they are finished.
        """
        arrays = {name: to_numpy(array) for name, array in self.arrays.items()}
        look(arrays)
        return self._finish(arrays)


class Evaluator(ABC):
    """Outputs of a network's eval graph, batch by batch.

    Changed parameters are copied, with BatchNorms folded into the preceding layers.

    Args:
        graphs: eval graphs of the network in the evaluator's mode: "evaluate"; "raw" for what heads
            finish on the host; "views" for the outputs that a head's merger needs.
    """

    def __init__(self, graphs: EvalGraphs) -> None:
        self.graphs, self.network, self.mode = graphs, graphs.network, graphs.mode

    @abstractmethod
    def _outputs(self, reader: BatchReader, inputs: dict[str, Any], version: int) -> dict[str, Any]:
        """Start computing all outputs of the graph, by short name.

        Args:
            reader: reader of the batch.
            inputs: arrays of the batch by name.
            version: version number of the parameters.
        """

    @abstractmethod
    def _rows_of(self, output: Any, rows: int | None) -> Any:
        """Copy the first rows of an output, or all, which the next batch does not overwrite."""

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
        arrays = self._outputs(reader, inputs, version)
        outputs_by_name = {}
        for adapter in reader.adapters:
            for name in adapter.outputs(self.mode):
                if batch.real == rows:
                    outputs_by_name[name] = self._rows_of(arrays[name], None)
                else:
                    each = adapter.rows(name) or (1 if self.network.heads else 0)
                    if not each:
                        raise _mixed(name, arrays[name].shape, batch.real, rows)
                    outputs_by_name[name] = self._rows_of(arrays[name], batch.real * each)
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
