"""Parameters that are not trained, for the whole training or until a moment of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from densefit.duration import Duration, DurationLike
from densefit.errors import ConfigError

_log = logging.getLogger("densefit")


class Freezing:
    """Patterns of frozen parameters, and the moment from which they are trained.

    Whole epochs are counted in epochs, of any length; other durations ("0.5ep", "10%", "500st") in
    updates. Until a length that they need is known, the parameters stay frozen.

    >>> freezing = Freezing(["resnet18_*"], "2ep")
    >>> freezing.patterns(epoch=1, update=19), freezing.patterns(epoch=2, update=20)
    (['resnet18_*'], [])

    Args:
        freeze: patterns of parameter names.
        unfreeze: how long they are frozen; None: for the whole training.
        updates_per_epoch: number of updates per epoch; None if unknown.
        total: number of updates of the training; None if unknown.

    Raises:
        ConfigError: `unfreeze` is no duration above 0, or there is nothing to unfreeze.
    """

    def __init__(
        self,
        freeze: Sequence[str],
        unfreeze: DurationLike | None = None,
        updates_per_epoch: int | None = None,
        total: int | None = None,
    ) -> None:
        self._freeze = list(freeze)
        self._until = None if unfreeze is None else _duration(unfreeze, self._freeze)
        self._updates: int | None = None
        if total is not None and updates_per_epoch is not None:
            self.set_length(total, updates_per_epoch)
        elif self._until is not None and not self._is_in_epochs:
            unit_updates = {"ep": updates_per_epoch, "%": total}.get(self._until.unit, 0)
            if unit_updates is not None:
                self._updates = self._until.resolve(updates_per_epoch, total, "unfreeze")

    def __str__(self) -> str:
        return f"unfreeze={str(self._until)!r}"

    def set_length(self, total: int, updates_per_epoch: int) -> None:
        """Resolve the duration by the lengths of training and epoch; warn if it is too long."""
        if self._until is None:
            return
        self._updates = self._until.resolve(updates_per_epoch, total, "unfreeze")
        if self._updates >= total:
            _log.warning(
                "%s comes after the last of %d updates: what is frozen stays frozen", self, total
            )

    def patterns(self, epoch: int, update: int) -> list[str]:
        """Return the patterns of the parameters that the next update does not train.

        Args:
            epoch: epochs done.
            update: updates done.
        """
        if self._until is None:
            return self._freeze
        if self._is_in_epochs:
            return [] if epoch >= self._until.value else self._freeze
        return [] if self._updates is not None and update >= self._updates else self._freeze

    @property
    def _is_in_epochs(self) -> bool:
        until = self._until
        return until is not None and until.unit == "ep" and until.value.denominator == 1


def _duration(unfreeze: DurationLike, freeze: Sequence[str]) -> Duration:
    """Parse the duration of a freeze."""
    duration = Duration.parse(unfreeze, "unfreeze")
    if not freeze or not duration.value:
        raise ConfigError(
            "There is nothing to unfreeze",
            expected="freeze=[...], and unfreeze: how long, from '1st' on",
            received=f"freeze={list(freeze)}, unfreeze={str(duration)!r}",
            where="fit",
            fix="leave unfreeze out" if not freeze else "leave freeze and unfreeze out",
        )
    return duration
