"""Settings of an analysis."""

from __future__ import annotations

from dataclasses import dataclass

from densefit.errors import ConfigError
from densefit.numeric import whole


@dataclass(frozen=True)
class AnalysisSettings:
    """Settings of an analysis.

    Args:
        score_threshold: least score of the detections in the confusion matrix and in the kinds of
            errors; by default the threshold of the drawings: of the highest mean F1 on the run's
            validation data, else on the scored data.
        iou: overlap that a match of a detection with a true box exceeds.
        samples: number of samples of each head that are drawn.

    Raises:
        ConfigError: a setting out of range.
    """

    score_threshold: float | None = None
    iou: float = 0.5
    samples: int = 48

    def __post_init__(self) -> None:
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise ConfigError(
                "score_threshold is no score",
                expected="0 <= score_threshold <= 1",
                received=self.score_threshold,
            )
        if not 0 <= self.iou < 1:
            raise ConfigError("iou is no overlap", expected="0 <= iou < 1", received=self.iou)
        whole(self.samples, "samples", 0, where="the report")
