"""A pass over data through the eval graph, one batch ahead of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.batch_numbers import BatchNumbers
from densefit.engine.evaluation.evaluator import Evaluator, Pending
from densefit.engine.finite import OutputCheck


class Evaluation:
    """Compute the eval graph of a network with the current parameters.

    Args:
        evaluator: computes the outputs that metrics and predictions need.
        viewer: computes the outputs of views of images.
        version: version number of the parameters; it changes with them.
    """

    def __init__(self, evaluator: Evaluator, viewer: Evaluator, version: Callable[[], int]) -> None:
        self._evaluator, self._viewer, self._version = evaluator, viewer, version

    def check(self, reader: BatchReader, views: bool, values: bool) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing.

        Args:
            reader: reader of the data.
            views: the batches hold views of images.
            values: see `Evaluator.check`.
        """
        (self._viewer if views else self._evaluator).check(reader, values)

    def run(
        self, reader: BatchReader, nonfinite: str
    ) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
        """Yield each batch with its outputs by short name, while the next one is computed.

        Args:
            reader: reader of the data.
            nonfinite: policy for outputs that are not finite, see `OutputCheck`.

        Raises:
            DataError: an output is not finite, and `nonfinite` is "raise".
        """
        check = OutputCheck(reader.adapters, self._evaluator.mode, reader.where, nonfinite)
        numbers = BatchNumbers(self._evaluator, reader, nonfinite)
        before = None
        with check.whole():
            for batch in reader.batches(scoring=True):
                numbers.look(batch, self._version())
                # Its outputs are read after the next batch was fetched.
                begun = batch, self._evaluator.start(batch, reader, self._version())
                if before is not None:
                    yield before[0], before[1].read(partial(check.look, before[0].ids))
                before = begun
            if before is not None:
                yield before[0], before[1].read(partial(check.look, before[0].ids))

    def compute_views(self, batch: Batch, reader: BatchReader) -> Pending:
        """Start computing the maps of a batch of views, which stay on the device."""
        return self._viewer.start(batch, reader, self._version())
