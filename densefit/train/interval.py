"""Intervals of validation and saving, in epochs or updates."""

from __future__ import annotations

from densefit.duration import Duration, DurationLike


class Interval:
    """A recurring duration: "1ep" at the end of every epoch, "500st" after every 500th update.

    Whole epochs are counted in epochs, of any length; other durations ("0.5ep", "10%", "500st") in
    updates, which may fall in the middle of an epoch.

    >>> every = Interval("2ep")
    >>> [every.after_epoch(done) for done in (1, 2, 3, 4)]
    [False, True, False, True]
    >>> Interval("10%", total=50).after_update(5)
    True

    Args:
        every: a duration; 0 means never.
        updates_per_epoch: number of updates per epoch; None if unknown.
        total: number of updates of the training; None if unknown.
        where: name of the setting, for the error message.

    Raises:
        ConfigError: `every` is not a duration.
    """

    def __init__(
        self,
        every: DurationLike,
        updates_per_epoch: int | None = None,
        total: int | None = None,
        where: str | None = None,
    ) -> None:
        self._duration, self._where = Duration.parse(every, where), where
        duration = self._duration
        whole_epochs = duration.unit == "ep" and duration.value.denominator == 1
        self._epochs = int(duration.value) if whole_epochs else 0
        needed = {"ep": updates_per_epoch, "%": total}.get(duration.unit, 0)
        #: Whether the length in updates is still unknown; see `set_length`.
        self.is_unresolved = not whole_epochs and needed is None
        #: Length in updates; 0 for whole epochs, and for never.
        self.updates = 0
        if not whole_epochs and not self.is_unresolved:
            self.updates = duration.resolve(updates_per_epoch, total, where)

    def set_length(self, total: int, updates_per_epoch: int) -> None:
        """Resolve the interval, if it is unresolved, by the lengths of training and epoch."""
        if self.is_unresolved:
            self.updates = self._duration.resolve(updates_per_epoch, total, self._where)
            self.is_unresolved = False

    def after_update(self, updates_done: int) -> bool:
        """Return whether the interval ends with this update."""
        return self.updates > 0 and updates_done % self.updates == 0

    def after_epoch(self, epochs_done: int) -> bool:
        """Return whether the interval ends with this epoch."""
        return self._epochs > 0 and epochs_done % self._epochs == 0
