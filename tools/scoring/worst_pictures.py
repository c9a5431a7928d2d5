"""Drawings of the worst samples of a scored checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_matching import match_head
from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.data.subset import Subset
from densefit.evaluation.predict import predict
from densefit.metrics.core.metric import Metric
from densefit.model.network import Network
from densefit.tools.report.pictures import truth_and_prediction
from densefit.tools.report.worst import pictured, worst_samples


class Worst:
    """Draw ground truth and prediction of each head's worst samples, which are predicted again.

    The worst samples are read and predicted when the first drawing is requested.

    Args:
        network: network with parameters.
        dataset: the scored dataset.
        loader: function that makes a loader of a subset, as for scoring.
        metrics: head -> metrics updated with the dataset.
        count: number of worst samples.
    """

    def __init__(
        self,
        network: Network,
        dataset: Dataset,
        loader: Callable[[Dataset], Any],
        metrics: Mapping[str, Sequence[Metric]],
        count: int,
    ) -> None:
        self._network, self._dataset, self._loader = network, dataset, loader
        self._heads = {head.name: head for head in network.heads}
        worst_by_score = [worst_samples(head_metrics, count) for head_metrics in metrics.values()]
        self._ids = {key for worst in worst_by_score if worst for key, _ in worst[pictured(worst)]}
        self._indices: dict[str, int] = {}
        self._predictions: dict[str, dict[str, Any]] = {}

    def pictures(self, name: str, key: str) -> list[np.ndarray]:
        """Draw ground truth and prediction of the head `name` for the sample `key`."""
        if not self._predictions:
            self._predict()
        head, sample = self._heads[name], read_sample(self._dataset, self._indices[key], [])
        prediction = self._predictions[key][name]
        targets = match_head(self._dataset, head)(sample.targets)
        return truth_and_prediction(head, sample.image, targets, prediction)

    def _predict(self) -> None:
        names = (sample_id(self._dataset, index) for index in range(len(self._dataset)))
        self._indices = {key: index for index, key in enumerate(names) if key in self._ids}
        loader = self._loader(Subset(self._dataset, list(self._indices.values())))
        self._predictions = dict(predict(self._network, loader))
        loader.close()
