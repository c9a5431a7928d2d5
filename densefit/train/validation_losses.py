"""Losses on validation data: the train graph in evaluation mode, on real rows alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.evaluation.update_metrics import compute_metrics, update_metrics
from densefit.metrics.core.direction import directions
from densefit.model.heads.adapter import HeadAdapter
from densefit.train.setup.same_heads import check_same_heads

WHERE = "validation_losses"


class ValidationLosses:
    """Compute the losses of a learner's present parameters on a dataset, in each call of `run`.

    A loss is the mean over the labelled samples of the dataset, as in training without augmentation
    and dropout, and with BatchNorm's moving statistics. Padded rows count nowhere.

    Args:
        learner: the learner in training.
        data: batches with labels, as in training.
        adapters: heads with training metrics, by name.

    Attributes:
        reader: reader of the data.

    Raises:
        BindError, ConfigError, DataError: the data do not fit the heads.
    """

    def __init__(self, learner: Engine, data: Any, adapters: Mapping[str, HeadAdapter]) -> None:
        self._learner, self._adapters = learner, adapters
        self.reader = BatchReader(data, list(adapters.values()), WHERE)
        check_same_heads(data, self.reader.adapters, WHERE)
        self._metrics = {name: adapter.metrics("train") for name, adapter in adapters.items()}

    @property
    def directions(self) -> dict[str, bool]:
        """Name of each loss -> whether a high value is better."""
        return directions(self._metrics)

    def run(self, given_up: Callable[[], bool] = lambda: False) -> dict[str, float] | None:
        """Compute the losses, "<head>/<loss>" -> value; None if it was given up.

        Args:
            given_up: called after each batch; True stops it.
        """
        for metrics in self._metrics.values():
            for metric in metrics:
                metric.reset()
        for batch in self.reader.batches():
            if not batch.real:
                continue
            counts = {name: int(has.sum()) for name, has in batch.labelled.items()}
            shares = {name: batch.real / max(1, count) for name, count in counts.items()}
            outputs = self._learner.losses(batch, shares)
            update_metrics(self._metrics, self._adapters, "train", outputs, batch)
            if given_up():
                return None
        return compute_metrics(self._metrics)
