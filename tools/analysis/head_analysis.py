"""Analysis of a head's metrics after a score pass, as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from densefit.metrics.core.detail import Curves, Matrix
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.detection.detections import DetectionMetric
from densefit.model.heads.head import Head
from densefit.tools.analysis.details import curves_values, matrix_values
from densefit.tools.analysis.detections import detection_analysis
from densefit.tools.analysis.pass_metrics import unwrapped
from densefit.tools.analysis.scored_sample import ScoredSample, chosen
from densefit.tools.analysis.settings import AnalysisSettings

VERSION = 1  # of the JSON's fields; further ones may come without a new number


@dataclass(frozen=True)
class HeadAnalysis:
    """Analysis of a head on a dataset.

    Attributes:
        values: JSON values.
        samples: chosen samples, the worst first.
    """

    values: dict[str, Any]
    samples: Sequence[ScoredSample]


def head_analysis(
    head: Head, metrics: Sequence[Any], settings: AnalysisSettings
) -> HeadAnalysis | None:
    """Analyse a head's metrics, which have seen a dataset; None without metrics or samples.

    - `head`, `kind` ("detection" or "other"), `classes`;
    - `value`: name of the score that orders samples, `higher`: whether a high one is better;
    - `confusion`: `names`, `counts` (rows are the truth; of detections the last is background),
      `what`; `curves`: name -> `title`, `x`, `y`, `lines`;
    - of detections: `iou`, `score_threshold`, `kinds` (kind -> count of each class), `sizes`
      (`edges`, and counts by outcome), `best_thresholds` by class, `calibration`.

    Args:
        head: the head.
        metrics: its metrics of `pass_metrics`.
        settings: settings of the analysis.
    """
    plain = unwrapped(metrics)
    if not plain:
        return None
    values: dict[str, Any] = {"version": VERSION, "head": head.name, "kind": "other"}
    values["classes"] = list(getattr(head, "classes", ()))
    samples: list[ScoredSample] = []
    higher = True
    first = plain[0]
    if isinstance(first, DetectionMetric):
        threshold = settings.score_threshold
        if threshold is None:
            threshold = getattr(getattr(head, "detector", head), "draw_threshold", None)
        detected, samples = detection_analysis(first, settings.iou, threshold)
        values.update(detected, kind="detection", value="F1")
    for metric in metrics:
        if isinstance(metric, PerSample):
            higher = metric.prefers_high(metric.primary)
            values["value"] = metric.primary
            samples = [ScoredSample(key, value) for key, value in metric.values.items()]
    if isinstance(first, DetectionMetric) and not first.ids:
        return None
    if any(isinstance(metric, PerSample) and not metric.values for metric in metrics):
        return None
    values["higher"] = higher
    values["samples"] = len(samples)
    curves = values.setdefault("curves", {})
    for metric in plain:
        for name, detail in metric.details().items():
            if isinstance(detail, Matrix):
                values.setdefault(name, matrix_values(detail))
            elif isinstance(detail, Curves):
                curves.setdefault(name, curves_values(detail))
    return HeadAnalysis(values, chosen(samples, settings.samples, higher))
