"""The engine on ONNX Runtime: evaluates an exported model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.finite import OutputCheck
from densefit.engine.graph_check import check_compared
from densefit.engine.onnx.evaluation_only import EvaluationOnly
from densefit.engine.onnx.exported_network import ExportedNetwork
from densefit.engine.onnx.feeds import check_inputs, feeds_of
from densefit.engine.onnx.rows import computed_rows
from densefit.engine.onnx.suppress import suppressed
from densefit.errors import ConfigError, DataError
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.network_head import NetworkHead
from densefit.model.network import Network

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class ComputedViews:
    """Outputs of a batch of views.

    Attributes:
        arrays: output by short name.
    """

    arrays: Arrays


class OnnxEngine(EvaluationOnly):
    """Evaluate an exported model: the `Engine` on ONNX Runtime, which does not train.

    Args:
        network: network of the exported model.
        devices: a list of one: "cpu", or "cuda:0" where onnxruntime-gpu is installed.
    """

    def __init__(self, network: Network, devices: Sequence[Any] | None = None) -> None:
        if not isinstance(network, ExportedNetwork):
            raise ConfigError(
                "The engine 'onnx' computes exported models",
                received=f"a {type(network).__name__} that is not exported",
                fix="df.export(network, 'model.onnx'), then df.load('model.onnx')",
            )
        self.network: Network = network
        self.exported: ExportedNetwork = network
        self._file, self._mode = network.file, network.file.metadata.mode
        self._session = self._file.session(devices)

    def check_evaluation(
        self, reader: BatchReader, views: bool = False, values: bool = False
    ) -> None:
        """Raise BindError if the batches do not fit the model; runs nothing.

        Raises:
            ConfigError: a head merges views of outputs that the model does not have.
        """
        check_inputs(self.exported, reader)
        check_compared(reader)
        if views:
            self._check_views(reader.adapters)

    def evaluate(
        self, reader: BatchReader, nonfinite: str = "warn"
    ) -> Iterator[tuple[Batch, Arrays]]:
        """Yield each batch with the model's outputs for its real rows, by short name.

        A thread computes the next batch while the caller works on one.
        """
        check_inputs(self.exported, reader)
        check = OutputCheck(reader.adapters, self._mode, reader.where, nonfinite)
        before: tuple[Batch, Future[Arrays]] | None = None
        with check.whole(), ThreadPoolExecutor(1, "onnx") as thread:
            for batch in reader.batches(scoring=True):
                begun = batch, thread.submit(self._compute, batch, reader)
                if before is not None:
                    yield before[0], self._checked(*before, check, reader)
                before = begun
            if before is not None:
                yield before[0], self._checked(*before, check, reader)

    def compute_views(self, batch: Batch, reader: BatchReader) -> ComputedViews:
        """Compute the outputs that a batch of views is merged from."""
        self.check_evaluation(reader, views=True)
        names = {  # name in the file -> name that mergers read
            f"{adapter.name}_views_{output}": f"{adapter.name}_{output}"
            for adapter in reader.adapters
            if _has_view_outputs(adapter)
            for output in adapter.view_outputs
        }
        whole = [adapter for adapter in reader.adapters if not _has_view_outputs(adapter)]
        outputs = self._run(batch, [*_outputs_of(whole, self._mode), *names])
        self._check_rows(outputs, whole, batch)
        finished = self._finished(outputs, whole)
        return ComputedViews({**finished, **{new: outputs[name] for name, new in names.items()}})

    def settle(self) -> None:
        """Return: ONNX Runtime has finished when it returns outputs."""

    def release(self) -> None:
        """Return: the network lent no parameters."""

    def _compute(self, batch: Batch, reader: BatchReader) -> Arrays:
        """Compute the outputs of a batch's real rows."""
        outputs = self._run(batch, _outputs_of(reader.adapters, self._mode))
        self._check_rows(outputs, reader.adapters, batch)
        return outputs

    def _run(self, batch: Batch, names: Sequence[str]) -> Arrays:
        """Compute outputs of the file for a batch's real rows."""
        arrays = batch.data if self.exported.image_size is not None else batch.arrays
        real = {name: batch.real_rows(array) for name, array in arrays.items()}
        return computed_rows(
            lambda feeds: self._file.run(self._session, feeds, names),
            feeds_of(self.exported, real),
            batch.real,
            self._file.batch,
        )

    def _check_rows(self, outputs: Arrays, adapters: Sequence[HeadAdapter], batch: Batch) -> None:
        """Raise DataError for outputs without a row for each sample."""
        shapes = {name: array.shape for name, array in outputs.items()}
        for adapter in adapters:
            adapter.check(self._mode, shapes, batch.real, 1)
            if adapter.batch_scalars:
                raise DataError(
                    "The score of one number for a whole batch would depend on the batch size",
                    expected="outputs with a row for each sample",
                    received=f"the outputs {', '.join(adapter.batch_scalars)}",
                    where=f"head {adapter.name}, {self._file.path}",
                )

    def _checked(
        self, batch: Batch, pending: Future[Arrays], check: OutputCheck, reader: BatchReader
    ) -> Arrays:
        outputs = pending.result()
        check.look(batch.ids, outputs)
        return self._finished(outputs, reader.adapters)

    def _finished(self, outputs: Arrays, adapters: Sequence[HeadAdapter]) -> Arrays:
        """Convert the model's outputs to the form that heads decode."""
        finished: Arrays = {}
        for adapter in adapters:
            outputs = {**outputs, **self._suppressed(adapter, outputs)}
            finished.update(adapter.finish(self._mode, outputs, self.exported.image_size))
        return finished

    def _suppressed(self, adapter: HeadAdapter, outputs: Arrays) -> Arrays:
        """Outputs of the suppression that a head's graph leaves to the host."""
        settings = self._file.metadata.suppressions.get(adapter.name)
        if settings is None:
            return {}
        rows = f"{adapter.name}_{settings['output']}"
        prefix = rows[: -len("boxes")]  # of all outputs that have the candidates on axis 1
        candidates = {
            name: outputs[name] for name in adapter.outputs(self._mode) if name.startswith(prefix)
        }
        return suppressed(
            candidates, rows, settings["iou"], settings["threshold"], settings["limit"]
        )

    def _check_views(self, adapters: Sequence[HeadAdapter]) -> None:
        for adapter in adapters:
            if isinstance(adapter, NetworkHead) and not adapter.view_outputs:
                raise ConfigError(
                    f"The head {adapter.name!r} merges views of maps that the exported model does "
                    "not put out",
                    where=self._file.path,
                    fix="export it with them, densefit export --views (df.export(..., views=True)),"
                    " or predict each image once (no flip, scales or windows)",
                )


def _has_view_outputs(adapter: HeadAdapter) -> TypeGuard[NetworkHead]:
    """Whether a head merges views of other outputs than those of a single image."""
    return isinstance(adapter, NetworkHead) and adapter.head.has_view_outputs


def _outputs_of(adapters: Sequence[HeadAdapter], mode: str) -> list[str]:
    return list(dict.fromkeys(name for adapter in adapters for name in adapter.outputs(mode)))
