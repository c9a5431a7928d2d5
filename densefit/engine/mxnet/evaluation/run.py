"""A pass over data through the eval graph, one batch ahead of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.finite import OutputCheck
from densefit.engine.mxnet.evaluation.batch_numbers import BatchNumbers
from densefit.engine.mxnet.evaluation.evaluator import Evaluator, Pending
from densefit.model.network import Network


class Evaluation:
    """Compute the eval graph of a network with the current parameters.

    Args:
        network: network that is evaluated.
        devices: MXNet contexts; a batch is split among them.
        version: version number of the parameters; it changes with them.
    """

    def __init__(
        self, network: Network, devices: Sequence[Any], version: Callable[[], int]
    ) -> None:
        on_host = all(device.device_type == "cpu" for device in devices)
        self._evaluator = Evaluator(network, devices, "raw" if on_host else "evaluate")
        self._viewer = Evaluator(network, devices, "views")
        self._version = version

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
