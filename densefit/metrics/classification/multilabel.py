"""Average precision of multi-label classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError
from densefit.metrics.classification.multilabel_arrays import Coding, scores_and_labels
from densefit.metrics.classification.ranking import (
    Ranking,
    average_precision,
    precision_recall,
    rank,
)
from densefit.metrics.core.classes import class_names, mean_defined
from densefit.metrics.core.detail import Curve, Curves, Detail
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.state import entry


@metrics.register("multilabel_map")
class MultiLabelAveragePrecision(Metric):
    """Mean average precision over classes ("mAP"), and average precision of each ("AP/<class>").

    Predictions are scores (n, C), of any scale: only their order within a class matters.
    Targets are (n, C) of 1 (the sample has the label), 0 (it has not; or `negative_label`), or
    `ignore_label` (unknown: counts nowhere). A class without positives is nan, and in no mean.

    The average precision is scikit-learn's `average_precision_score`. The mean is the macro average
    that multi-label papers report. There is no micro average: it ranks the scores of different
    classes against each other. The PASCAL VOC classification challenge interpolates, which gives
    other numbers.

    Scores are stored in their floating type; memory grows with n * C.

    Args:
        classes: names in index order, or their number.
        ignore_label: target of unknown labels; None if all labels must be known.
        negative_label: target of negatives; -1 for labels of -1 and 1 (with another `ignore_label`:
            0 in the files of PASCAL VOC).
    """

    name = "multilabel_map"
    primary = "mAP"

    def __init__(
        self,
        classes: Sequence[str] | int,
        ignore_label: int | None = -1,
        negative_label: int = 0,
    ) -> None:
        self._coding = Coding(negative_label, ignore_label, self.name)
        self.classes = class_names(classes)
        self.ignore_label, self.negative_label = ignore_label, negative_label
        self.reset()

    def reset(self) -> None:
        self._coding.reset()
        self.ids: list[str] = []
        self._blocks: list[tuple[np.ndarray, np.ndarray]] = []
        self._rankings: list[Ranking] | None = None

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        scores, labels = scores_and_labels(
            predictions, targets, ids, len(self.classes), self._coding
        )
        self._append(scores.copy(), labels, ids)  # the caller may reuse the array

    def _append(self, scores: np.ndarray, labels: np.ndarray, ids: Sequence[str]) -> None:
        self._coding.saw(labels)
        self._blocks.append((scores, labels))
        self.ids += [str(key) for key in ids]
        self._rankings = None

    def _seen(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (scores (n, C), labels (n, C) int8, -1 where unknown) of all samples."""
        if not self._blocks:
            shape = (0, len(self.classes))
            return np.zeros(shape, np.float32), np.zeros(shape, np.int8)
        if len(self._blocks) > 1:
            scores, labels = zip(*self._blocks)
            self._blocks = [(np.concatenate(scores), np.concatenate(labels))]
        return self._blocks[0]

    def _ranked(self) -> list[Ranking]:
        """Rank each class once, until samples are added."""
        if self._rankings is None:
            self._rankings = [rank(*columns) for columns in zip(*(part.T for part in self._seen()))]
        return self._rankings

    def compute(self) -> dict[str, float]:
        self._coding.tell()
        return self._numbers(None)

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Compute as if the sample `id` had been seen `counts[id]` times, without sorting again."""
        return self._numbers(np.array([counts.get(key, 0) for key in self.ids], np.int64))

    def _numbers(self, weights: np.ndarray | None) -> dict[str, float]:
        values = np.array([average_precision(ranking, weights) for ranking in self._ranked()])
        each = {f"AP/{name}": float(value) for name, value in zip(self.classes, values)}
        return {"mAP": mean_defined(values), **each}

    def details(self) -> dict[str, Detail]:
        """Curve of each class that has positives, as "precision_recall"."""
        lines = {}
        for name, ranking in zip(self.classes, self._ranked()):
            recall, precision, positives = precision_recall(ranking)
            if positives:
                lines[name] = Curve(recall, precision, ranking.scores.astype(np.float64))
        return {"precision_recall": Curves("recall", "precision", lines, "Precision and recall")}

    def merge(self, other: Self) -> None:
        if other.ids:
            self._append(*other._seen(), other.ids)

    def state_dict(self) -> dict[str, Any]:
        scores, labels = self._seen()
        return {"ids": list(self.ids), "scores": scores, "labels": labels}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        ids, scores, labels = (entry(state, key, self.name) for key in ("ids", "scores", "labels"))
        scores, labels = np.array(scores), np.array(labels, np.int8)
        if scores.dtype.kind != "f":
            scores = scores.astype(np.float64)
        expected = (len(ids), len(self.classes))
        if expected[0] and not scores.shape == labels.shape == expected:
            raise CheckpointError(
                f"The state of {self.name!r} is of other samples or classes",
                expected=f"scores and labels of shape {expected}",
                received=f"shapes {scores.shape} and {labels.shape}",
            )
        self.reset()
        if len(ids):
            self._append(scores, labels, ids)
