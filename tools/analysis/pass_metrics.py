"""Metrics of a score pass that an analysis needs, beside or around those of the heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.metrics.classification.confusion import ClassConfusion
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.detection.detections import DetectionMetric
from densefit.model.network import Network
from densefit.tasks.classification.head import Classification


class SilentConfusion(ClassConfusion):
    """A confusion matrix without scores: the head's metrics have these."""

    def compute(self) -> dict[str, float]:
        return {}


def pass_metrics(network: Network) -> dict[str, list[Any]]:
    """Make the metrics of each head for a pass; their scores are those of the head's metrics.

    The first metric also scores each sample alone, unless it stores all objects: then the images
    are compared by their detections.
    """
    by_head: dict[str, list[Any]] = {}
    for head in network.heads:
        metrics: list[Any] = list(head.metrics())
        if metrics and isinstance(metrics[0], Metric) and not isinstance(
            metrics[0], DetectionMetric
        ):
            metrics[0] = PerSample(metrics[0])
        if isinstance(head, Classification) and metrics:
            metrics.append(SilentConfusion(head.classes))
        by_head[head.name] = metrics
    return by_head


def unwrapped(metrics: Sequence[Any]) -> list[Metric]:
    """The metrics themselves, without wrappers that score each sample."""
    return [
        metric.metric if isinstance(metric, PerSample) else metric
        for metric in metrics
        if isinstance(metric, Metric)
    ]
