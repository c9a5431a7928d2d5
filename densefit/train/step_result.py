"""Result of a training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from densefit.errors import TrainingDiverged


@dataclass
class StepResult:
    """Result of an update.

    Attributes:
        samples: number of samples, without padding.
        labelled: head, and `<head>/<term>` -> number of labelled samples.
        gradient_norm: norm of the mean loss's gradient over all parameters, before clipping.
        refused: reason why the update was not applied; None if it was.
        position: position in the epoch's order after the last sample, if the loader provides it.
        counts: object counts, see `densefit.data.loader.object_counts`.
        loss_weights: head -> a balancer's factor on its loss.
    """

    samples: int
    labelled: dict[str, int]
    gradient_norm: float
    refused: TrainingDiverged | None = None
    position: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    loss_weights: Mapping[str, float] = field(default_factory=dict)
