"""When something recurs: validation and saving, by epochs or by updates."""

from __future__ import annotations

from densefit.duration import Duration, DurationLike


class Cadence:
    """A duration that recurs: "1ep" at the end of every epoch, "500st" after every 500th update.

    Whole epochs are counted in epochs, whatever their length; everything else ("0.5ep", "10%",
    "500st") in updates, which may fall in the middle of an epoch.

    >>> every = Cadence("2ep")
    >>> [every.after_epoch(done) for done in (1, 2, 3, 4)]
    [False, True, False, True]
    >>> Cadence("10%", total=50).after_update(5)
    True

    Args:
        every: a duration; 0 is never.
        updates_per_epoch: None if not known.
        total: updates of the whole training; None if not known.
        where: name of the setting, for the error message.

    Raises:
        ConfigError: no duration.
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
        #: Whether it recurs in updates that are not known yet; see `learn`.
        self.awaits = not whole_epochs and needed is None
        self._updates = 0
        if not whole_epochs and not self.awaits:
            self._updates = duration.resolve(updates_per_epoch, total, where)

    def learn(self, total: int, updates_per_epoch: int) -> None:
        """Take in the lengths of the training and of an epoch, in updates, if it awaits them."""
        if self.awaits:
            self._updates = self._duration.resolve(updates_per_epoch, total, self._where)
            self.awaits = False

    def after_update(self, updates_done: int) -> bool:
        """Whether it falls on this update."""
        return self._updates > 0 and updates_done % self._updates == 0

    def after_epoch(self, epochs_done: int) -> bool:
        """Whether it falls on the end of this epoch."""
        return self._epochs > 0 and epochs_done % self._epochs == 0
