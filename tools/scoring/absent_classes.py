"""Classes that never occur in the ground truth."""

from __future__ import annotations

import math
from collections.abc import Sequence

from densefit.metrics import ConfusionMatrix, Metric, PanopticQuality
from densefit.metrics.core.per_sample import PerSample

_LISTED = 12


def note(metrics: Sequence[Metric]) -> list[str]:
    """Describe the classes without ground truth, by the first metric that counts them."""
    for metric in metrics:
        names = never_true(metric)
        if names:
            more = f", ... ({len(names)})" if len(names) > _LISTED else ""
            return [f"classes that never occur in the truth: {', '.join(names[:_LISTED])}{more}"]
    return []


def never_true(metric: Metric) -> list[str]:
    """Classes of a metric without a pixel, object or image in the ground truth."""
    inner = metric.metric if isinstance(metric, PerSample) else metric
    classes: Sequence[str] = getattr(inner, "classes", ())
    if isinstance(inner, ConfusionMatrix):
        return [name for name, row in zip(classes, inner.matrix.sum(axis=1)) if not row]
    if isinstance(inner, PanopticQuality):
        return [name for name, true in zip(classes, inner.tp + inner.fn) if not true]
    numbers = inner.compute()
    return [
        name
        for name in classes
        if any(math.isnan(numbers.get(f"{key}/{name}", 0.0)) for key in ("AP", "AP50"))
    ]
