"""Check that outputs of one number per batch are means over its samples."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.evaluator import Evaluator
from densefit.errors import DataError
from densefit.model.heads.routed_head import RoutedHead
from densefit.once import first_time

_log = logging.getLogger("densefit")
_LOOKED_AT = 4  # batches of a pass: halves may agree in one of them
_TOLERANCE = 1e-4  # of the numbers, which are computed in float32


class BatchNumbers:
    """Check outputs of one number per batch, with the graph and with halves of the first batches.

    The number is used for each sample of the batch. If it is a mean over samples, as in
    `make_loss(mean(...))`, the score is the mean over the dataset. With a sum, a root, or a mean
    over labelled elements the score would depend on the batch size: the graph shows these.
    Operators that compare rows with each other are found numerically: the halves of a batch do not
    average to the whole.

    Args:
        evaluator: evaluator of the network.
        reader: reader of the data.
        policy: "raise", or "warn" once.

    Raises:
        DataError: the output is not a mean over samples, and the policy is "raise".
    """

    def __init__(self, evaluator: Evaluator, reader: BatchReader, policy: str) -> None:
        self._evaluator, self._reader, self._policy = evaluator, reader, policy
        self._heads = {
            name: adapter.name for adapter in reader.adapters for name in adapter.batch_scalars
        }
        self._left = 0
        if not self._heads and reader.batch_size > 1 or reader.has_compared:
            return
        routes = [adapter for adapter in reader.adapters if isinstance(adapter, RoutedHead)]
        reasons = evaluator.graphs.numbers(reader) if routes else {}
        if reader.batch_size == 1:  # rows and numbers then have the same shape
            head_of_output = {
                name: adapter.name for adapter in routes for name in adapter.outputs("evaluate")
            }
            self._heads.update(
                {name: head_of_output[name] for name in reasons or () if name in head_of_output}
            )
        self._left = _LOOKED_AT if self._heads else 0
        alone = f"the symbol takes exactly {reader.batch_size} rows, so this cannot be checked"
        for name, head in self._heads.items():
            why = alone if reasons is None else reasons.get(name, "")
            if why:
                self._tell(name, head, why)
                return

    def look(self, batch: Batch, version: int) -> None:
        """Compare one of the first batches with its halves.

        Raises:
            DataError: the halves do not average to the whole, and the policy is "raise".
        """
        if not self._left or batch.real < 2 or not self._evaluator.graphs.can_cut(self._reader):
            return
        self._left -= 1
        self._reader.has_compared = not self._left
        middle = batch.real // 2
        parts = [(0, batch.real), (0, middle), (middle, batch.real)]
        whole, first, second = (self._numbers(_part(batch, *part), version) for part in parts)
        for name, head in self._heads.items():
            shares = middle * first[name] + (batch.real - middle) * second[name]
            scale = abs(first[name]) + abs(second[name]) + abs(whole[name])
            if abs(shares / batch.real - whole[name]) > _TOLERANCE * scale + 1e-6:
                received = f"{whole[name]:g} for a batch of {batch.real}, {first[name]:g} and "
                self._tell(name, head, received + f"{second[name]:g} for its halves")
                return

    def _numbers(self, batch: Batch, version: int) -> dict[str, float]:
        outputs = self._evaluator.start(batch, self._reader, version).read()
        return {name: float(np.ravel(outputs[name])[0]) for name in self._heads}

    def _tell(self, name: str, head: str, received: str) -> None:
        self._left, self._reader.has_compared = 0, True
        error = DataError(
            f"The output {name!r} is one number for a batch, but not known to be a mean over its "
            "samples: the score would depend on the batch size",
            expected="mx.sym.mean(...) of what is computed for each sample, times and plus "
            "numbers that do not depend on the batch",
            received=received,
            where=f"head {head}, {self._reader.where} data",
            fix="let the symbol put out a number for each sample (leave out its mean or sum), or "
            "average all over the samples: mx.sym.mean(...)",
        )
        if self._policy == "raise":
            raise error
        if first_time("batch number", self._reader.where, head, name):
            _log.warning("%s", error)


def _part(batch: Batch, begin: int, end: int) -> Batch:
    """Select rows of a batch."""
    rows = batch.rows

    def cut(array: Any) -> Any:
        each = array.shape[0] // rows
        return array[begin * each : end * each]

    return replace(
        batch,
        data={name: cut(array) for name, array in batch.data.items()},
        labels={name: cut(array) for name, array in batch.labels.items()},
        real=end - begin,
    )
