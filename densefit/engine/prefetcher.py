"""The next batch, fetched while the device computes the present one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import Self

from densefit.engine.batch_reader import Fed, Feeder


class Early(Iterator[Fed]):
    """The batches of a feeder, the next of which may be fetched before it is asked for.

    Only a loader that tells when it is `ready` is asked early, and only then, so that nobody waits
    for it who need not. Other iterators may hand out the same arrays again and again: theirs are
    fetched when the batch before has been used.

    Args:
        feeder: whose loader is asked.
        batches: of it.
        most: how many will be asked for; None: all.
    """

    def __init__(self, feeder: Feeder, batches: Iterator[Fed], most: int | None = None) -> None:
        self._batches, self._most = batches, most
        self._ready = getattr(feeder.iterator, "ready", None)
        self._held: list[Any] = []  # a batch, or what came in its place

    def fetch(self) -> None:
        """Fetch the next batch, if that needs no waiting. An error comes when it is asked for."""
        if self._held or self._most == 0 or self._ready is None or not self._ready():
            return
        try:
            self._held.append(next(self._batches))
        except Exception as error:  # the end, too
            self._held.append(error)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Fed:
        if self._most is not None:
            self._most -= 1
        if not self._held:
            return next(self._batches)
        found = self._held.pop()
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]
