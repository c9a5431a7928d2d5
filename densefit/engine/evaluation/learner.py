"""What the learners of all engines share: evaluating, and leaving the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.evaluator import Pending
from densefit.engine.evaluation.run import Evaluation


class EvaluatingLearner:
    """The part of an `Engine` that evaluates with the parameters that it trains.

    Attributes:
        parameters: of the train graph; absent until it is bound.
    """

    parameters: Any
    _evaluation: Evaluation

    def check_evaluation(
        self, reader: BatchReader, views: bool = False, values: bool = False
    ) -> None:
        """Raise BindError if the batches do not fit the eval graph; runs nothing."""
        self._evaluation.check(reader, views, values)

    def evaluate(
        self, reader: BatchReader, nonfinite: str = "warn"
    ) -> Iterator[tuple[Batch, dict[str, np.ndarray]]]:
        """Yield each batch with the eval graph's outputs for its real rows, by short name."""
        return self._evaluation.run(reader, nonfinite)

    def compute_views(self, batch: Batch, reader: BatchReader) -> Pending:
        """Start computing the maps of a batch of views, which stay on the device."""
        return self._evaluation.compute_views(batch, reader)

    def release(self) -> None:
        """Leave the network with its own parameters."""
        if hasattr(self, "parameters"):  # else it was not bound
            self.parameters.release()

    def _version(self) -> int:
        return self.parameters.version if hasattr(self, "parameters") else 0
