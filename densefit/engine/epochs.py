"""Epochs of training data: their boundaries, and their number of updates."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from densefit.data.batch import Batch
from densefit.engine.sources import Source
from densefit.errors import ConfigError

_log = logging.getLogger("densefit")


class Epochs:
    """Read epochs of training from a source.

    Args:
        source: source of the iterator.
        where: purpose of the data, for error messages.

    Attributes:
        first: number of the iterator's first epoch.
        limit: batches per epoch, set by the user for an iterator without a length or end: the next
            epoch continues where one was cut. None for the iterator's epochs.
        length: batches per epoch; None if unknown.
    """

    def __init__(self, source: Source, where: str) -> None:
        self._source, self._where = source, where
        self.first = 0
        self.limit: int | None = None
        self.length = source.length()
        self._is_begun = False
        self._open: Iterator[Batch] | None = None  # an epoch that was cut
        self._is_described = False  # whether an epoch of unusual length was logged

    def read(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch.

        If its start depends on the end of earlier epochs (after a resume), these are read first.
        """
        self._catch_up(epoch)
        yield from self._next()

    def updates(self, stated: int | None, accumulate: int) -> int | None:
        """Number of updates per epoch; None if neither the data nor the user state it.

        Epochs of MXNet's iterators with `last_batch_handle="roll_over"` differ by a batch; the
        first epoch counts.

        Args:
            stated: number that the user has set.
            accumulate: micro-batches per update.

        Raises:
            ConfigError: the stated number contradicts the data.
        """
        batches = self._source.total(1) if self.length is None else self.length
        counted = None if batches is None else -(-batches // accumulate)
        if stated is None:
            return counted
        if stated < 1 or (counted is not None and counted != stated):
            raise ConfigError(
                "updates_per_epoch contradicts the length of the data",
                expected="1 or more" if counted is None else f"{counted}, or leave it out",
                received=f"updates_per_epoch={stated!r}",
                where=f"{self._where} data",
            )
        self.limit = stated * accumulate if counted is None else None
        return stated

    def total_updates(
        self, epochs: int, updates_per_epoch: int | None, accumulate: int
    ) -> int | None:
        """Number of updates of the first epochs; None if unknown."""
        exact = self._source.total(epochs) if self.limit is None and accumulate == 1 else None
        if exact is not None:
            return exact
        return None if updates_per_epoch is None else epochs * updates_per_epoch

    def describe(self, rows: int, batches: int) -> None:
        """Log an epoch that did not have each sample once, or not the announced length."""
        if self.limit is not None:
            return
        text, level = self._source.describe_epoch(rows), logging.WARNING
        if text is not None and self._source.makes_up:  # in training nothing is wrong with it
            level = logging.INFO
        if text is None and self.length is not None and batches != self.length:
            text = f"{batches} batches, and {self.length} were announced: a schedule ends elsewhere"
        if text is not None:
            level = logging.DEBUG if self._is_described else level
            _log.log(level, "An epoch of the %s data had %s", self._where, text)
            self._is_described = True

    def _catch_up(self, epoch: int) -> None:
        missed = 0 if self._is_begun else epoch - self.first
        self._is_begun = True
        if missed < 1 or (self.limit is None and not self._source.goes_on):
            return
        if not self._source.is_at_start():
            _log.warning(
                "Epochs of the %s data continue where the last one ended, and the iterator was "
                "read before: the resume is not exact. Create a new iterator to resume",
                self._where,
            )
            return
        _log.info(
            "The %s data of %d epochs are read again, to continue after them", self._where, missed
        )
        for _ in range(missed):
            for _ in self._next():
                pass

    def _next(self) -> Iterator[Batch]:
        """Yield the next epoch of training."""
        if self.limit is None:
            yield from self._source.train_epoch()
            return
        for done in range(self.limit):
            if self._open is None:
                self._open = self._source.train_epoch()
            batch = next(self._open, None)
            if batch is None and not done:  # the epoch before was cut at the data's end
                self._open = self._source.train_epoch()
                batch = next(self._open, None)
            if batch is None:
                self._open = None
                _log.warning(
                    "The %s data ended after %d updates, and updates_per_epoch is %d: the epoch "
                    "ends early",
                    *(self._where, done, self.limit),
                )
                return
            yield batch
