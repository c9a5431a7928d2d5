"""Reaction to losses and gradients that are not finite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from densefit.engine.engine import Engine
from densefit.errors import ConfigError, TrainingDiverged
from densefit.model.parameters import heads_owning
from densefit.numeric import check_whole, real

POLICIES = ("raise", "skip", "rollback")


@dataclass(frozen=True)
class Guard:
    """Reaction to a loss or gradient that is nan or infinite; such an update is never applied.

    Attributes:
        policy: "raise" a TrainingDiverged; "skip" the update; or "rollback" to the newest
            checkpoint, and go on from there at a lower rate.
        limit: number of skipped updates in a row, or of rollbacks in all, after which it raises.
        factor: factor on the learning rate for each rollback.

    Raises:
        ConfigError: a setting out of range.
    """

    policy: str = "raise"
    limit: int = 10
    factor: float = 0.5

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ConfigError(
                "Unknown policy for what is not finite",
                expected=" or ".join(POLICIES),
                received=repr(self.policy),
            )
        check_whole(self.limit, "limit", 1, where="Guard")
        real(self.factor, "factor", above=0.0, most=1.0, where="Guard")

    def eased(self, rollbacks: int) -> float:
        """Return the factor on the learning rate after a number of rollbacks."""
        return self.factor**rollbacks if self.policy == "rollback" else 1.0


def gradient_diverged(
    learner: Engine, ids: Sequence[str], absent: Sequence[str]
) -> TrainingDiverged:
    """Return the error for a gradient that is not finite although the losses are.

    Args:
        learner: engine that has computed the gradient.
        ids: ids of the update's samples.
        absent: names of heads without labels in the update.
    """
    bad = learner.gradients.not_finite()
    heads = heads_owning(learner.network, bad)
    names = ", ".join(bad[:5]) + (f", ... ({len(bad)} parameters)" if len(bad) > 5 else "")
    samples = ", ".join(ids[:8]) + (f", ... ({len(ids)})" if len(ids) > 8 else "")
    where = f"head {', '.join(heads)}, " if heads else ""
    if heads and set(heads) <= set(absent):  # 0 times a derivative that is none
        return TrainingDiverged(
            "The gradient is not finite, and no sample of the update has labels for the "
            f"heads {', '.join(map(repr, heads))}: their losses have no derivative for the "
            "zeros that stand in",
            received=f"nan or infinity in {names}",
            where=f"{where}samples {samples}",
            fix="give the dataset a method targets_of(index), so that labels of a sample that "
            "has them stand in from the first update; or a loss with a derivative at 0",
        )
    return TrainingDiverged(
        "The gradient is not finite, though the losses are",
        received=f"nan or infinity in {names}" if bad else "squares that overflow",
        where=f"{where}samples {samples}",
        fix="lower the learning rate, lengthen the warm-up or clip (clip_norm=...); Guard says "
        "what else can be done",
    )
