"""What happens when a loss or a gradient is not finite."""

from __future__ import annotations

from dataclasses import dataclass

from densefit.errors import ConfigError
from densefit.numeric import check_whole, real

POLICIES = ("raise", "skip", "rollback")


@dataclass(frozen=True)
class Guard:
    """What `fit` does when a loss or a gradient is nan or infinite; no such update is applied.

    Attributes:
        policy: "raise" a TrainingDiverged; "skip" the update; or "rollback" to the newest
            checkpoint, and go on from there at a lower rate.
        limit: how many updates are skipped in a row, or how many rollbacks are made in all, before
            it raises all the same.
        factor: what a rollback multiplies the learning rate by.

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
        """The factor on the learning rate after so many rollbacks."""
        return self.factor**rollbacks if self.policy == "rollback" else 1.0
