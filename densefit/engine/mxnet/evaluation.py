"""A pass over data through the eval graph, one batch ahead of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from densefit.engine.batch_reader import Fed, Feeder
from densefit.engine.finite import OutputCheck
from densefit.engine.mxnet.batch_numbers import BatchNumbers
from densefit.engine.mxnet.evaluator import Evaluator, Pending
from densefit.model.network import Network


class Evaluation:
    """Computes the eval graph of a network on the parameters of the moment.

    Args:
        network: that is evaluated.
        devices: MXNet contexts; a batch is split among them.
        version: number of the parameters; another one means that they have changed.
    """

    def __init__(
        self, network: Network, devices: Sequence[Any], version: Callable[[], int]
    ) -> None:
        on_host = all(device.device_type == "cpu" for device in devices)
        self._evaluator = Evaluator(network, devices, "raw" if on_host else "evaluate")
        self._viewer = Evaluator(network, devices, "views")
        self._version = version

    def check(self, feeder: Feeder, views: bool, values: bool) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing.

        Args:
            feeder: of the data.
            views: the batches hold views of images.
            values: see `Evaluator.check`.
        """
        (self._viewer if views else self._evaluator).check(feeder, values)

    def run(self, feeder: Feeder, nonfinite: str) -> Iterator[tuple[Fed, dict[str, np.ndarray]]]:
        """Yield each batch with its outputs by short name, while the next one is computed.

        Args:
            feeder: of the data.
            nonfinite: what happens to outputs that are not finite, see `OutputCheck`.

        Raises:
            DataError: an output is not finite, and `nonfinite` is "raise".
        """
        check = OutputCheck(feeder.wires, self._evaluator.mode, feeder.where, nonfinite)
        numbers = BatchNumbers(self._evaluator, feeder, nonfinite)
        before = None
        with check.whole():
            for fed in feeder.batches(scoring=True):
                numbers.look(fed, self._version())
                # It is looked at when the next batch has been fetched.
                begun = fed, self._evaluator.start(fed, feeder, self._version())
                if before is not None:
                    yield before[0], before[1].read(partial(check.look, before[0].ids))
                before = begun
            if before is not None:
                yield before[0], before[1].read(partial(check.look, before[0].ids))

    def start_views(self, fed: Fed, feeder: Feeder) -> Pending:
        """Start computing the maps of a batch of views, which stay on the device."""
        return self._viewer.start(fed, feeder, self._version())
