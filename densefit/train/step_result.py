"""What the loop learns of an update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from densefit.errors import TrainingDiverged


@dataclass
class StepResult:
    """Result of an update.

    Attributes:
        samples: real samples (no padding) in it.
        labelled: head -> samples that have labels for it, and `<head>/<term>` -> the same.
        gradient_norm: of all parameters' gradients of the mean loss, before it is clipped.
        refused: why it was not applied; None if it was.
        position: in the epoch's order behind its last sample, if the loader tells.
        counts: of objects, see `densefit.data.loader.object_counts`.
        loss_weights: head -> the factor that a balancer gave its loss.
    """

    samples: int
    labelled: dict[str, int]
    gradient_norm: float
    refused: TrainingDiverged | None = None
    position: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    loss_weights: Mapping[str, float] = field(default_factory=dict)
