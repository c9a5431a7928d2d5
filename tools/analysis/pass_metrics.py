"""Metrics of a score pass that an analysis needs, beside or around those of the heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.metrics.classification.confusion import ClassConfusion
from densefit.metrics.classification.loss import CrossEntropy
from densefit.metrics.coco.keypoint_ap import COCOKeypointAveragePrecision
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.detection.detections import DetectionMetric
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.tasks.classification.head import Classification


class SilentConfusion(ClassConfusion):
    """A confusion matrix without scores: the head's metrics have these."""

    def compute(self) -> dict[str, float]:
        return {}


def pass_metrics(network: Network) -> dict[str, list[Any]]:
    """Make the metrics of each head for a pass; their scores are those of the head's metrics.

    One metric also scores each sample alone: cross-entropy for classes, which ranks wrong samples,
    else the first. Images with boxes need none: they are compared by their detections.
    """
    by_head: dict[str, list[Any]] = {}
    for head in network.heads:
        metrics: list[Any] = list(head.metrics())
        index = _ranking(head, metrics)
        if index is not None:
            metrics[index] = PerSample(metrics[index])
        if isinstance(head, Classification) and metrics:
            metrics.append(SilentConfusion(head.classes))
        if metrics:
            by_head[head.name] = metrics
    return by_head


def _ranking(head: Head, metrics: Sequence[Any]) -> int | None:
    """Index of the metric that scores each sample alone."""
    if isinstance(head, Classification):
        for index, metric in enumerate(metrics):
            if isinstance(metric, CrossEntropy):
                return index
    first = metrics[0] if metrics else None
    has_boxes = isinstance(first, DetectionMetric) and not isinstance(
        first, COCOKeypointAveragePrecision
    )
    return 0 if isinstance(first, Metric) and not has_boxes else None


def unwrapped(metrics: Sequence[Any]) -> list[Metric]:
    """The metrics themselves, without wrappers that score each sample."""
    return [
        metric.metric if isinstance(metric, PerSample) else metric
        for metric in metrics
        if isinstance(metric, Metric)
    ]
