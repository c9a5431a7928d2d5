"""F1 of samples that may have several labels at once, or none."""

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
    """F1, precision and recall of yes-or-no labels, at one score threshold.

    Predictions are scores (n, C), targets (n, C) of 1 (the sample has the label) and 0 (it has
    not; or `negative_label`), or `ignore_label` where nobody knows; such a pair counts nowhere.
    "F1_macro" is judged by; see `f1_numbers` for all of them. The "OF1" of multi-label papers is
    "F1_micro"; their "CF1" is not "F1_macro" but the harmonic mean of "precision_macro" and
    "recall_macro".

    Args:
        classes: the names in index order, or their number.
        threshold: a score counts as yes from here on (>=; torchmetrics takes >). 0.5 is for
            probabilities, for logits say 0.
        ignore_label: the target of what is unknown; None if everything must be known.
        negative_label: the target that says no; -1 for labels of -1 and 1 (and then another
            `ignore_label`: 0 in the files of PASCAL VOC).
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
        there = labels == 1
        found = (scores >= self.threshold) & (labels >= 0)
        self.add((found & there).sum(axis=0), found.sum(axis=0), there.sum(axis=0))
