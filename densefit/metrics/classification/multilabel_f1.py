"""F1 of multi-label classification."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.metrics.classification.f1 import F1Counts
from densefit.metrics.classification.multilabel_arrays import Coding, scores_and_labels
from densefit.metrics.core.metric import metrics


@metrics.register("multilabel_f1")
class MultiLabelF1(F1Counts):
    """F1, precision and recall of binary labels, at one score threshold.

    Predictions are scores (n, C), targets (n, C) of 1 (the sample has the label), 0 (it has not; or
    `negative_label`), or `ignore_label` (unknown: counts nowhere). "F1_macro" is the primary key;
    see `f1_numbers` for all. "OF1" in multi-label papers is "F1_micro"; their "CF1" is not
    "F1_macro" but the harmonic mean of "precision_macro" and "recall_macro".

    Args:
        classes: names in index order, or their number.
        threshold: lowest score of a positive prediction (>=; torchmetrics takes >). 0.5 is for
            probabilities, 0 for logits.
        ignore_label: target of unknown labels; None if all labels must be known.
        negative_label: target of negatives; -1 for labels of -1 and 1 (with another `ignore_label`:
            0 in the files of PASCAL VOC).
    """

    name = "multilabel_f1"

    def __init__(
        self,
        classes: Sequence[str] | int,
        threshold: float = 0.5,
        ignore_label: int | None = -1,
        negative_label: int = 0,
    ) -> None:
        self._coding = Coding(negative_label, ignore_label, self.name)
        if not math.isfinite(threshold):
            raise ConfigError("threshold is not a number", expected="finite", received=threshold)
        super().__init__(classes)
        self.threshold = threshold
        self.ignore_label, self.negative_label = ignore_label, negative_label

    def reset(self) -> None:
        super().reset()
        self._coding.reset()

    def compute(self) -> dict[str, float]:
        if not self.false_positives.any():
            self._coding.tell()
        return super().compute()

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        scores, labels = scores_and_labels(
            predictions, targets, ids, len(self.classes), self._coding
        )
        self._coding.saw(labels)
        positive = labels == 1
        predicted = (scores >= self.threshold) & (labels >= 0)
        self.add((predicted & positive).sum(axis=0), predicted.sum(axis=0), positive.sum(axis=0))
