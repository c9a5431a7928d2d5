"""The epochs of training data: where one begins and ends, and how many updates it has."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from densefit.data.batch import Batch
from densefit.engine.sources import Source
from densefit.errors import ConfigError

_log = logging.getLogger("densefit")


class Epochs:
    """Reads epochs of training from a source.

    Args:
        source: of the iterator.
        where: what the data are for, to be named.

    Attributes:
        first: number of the epoch that the iterator's first is.
        limit: batches an epoch, as the user states them for an iterator without a length or end:
            the next epoch goes on where one was cut. None: an epoch is the iterator's.
        length: batches an epoch; None if the iterator does not say.
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
        """The batches of an epoch.

        Where it depends on where the epochs before ended (after a resume), these are read first.
        """
        self._catch_up(epoch)
        yield from self._next()

    def updates(self, stated: int | None, accumulate: int) -> int | None:
        """Updates an epoch; None if neither the data nor the user say.

        Where epochs differ by a batch, as those of MXNet's iterators do that go on behind the
        samples that filled up the last one, it is that of the first.

        Args:
            stated: by the user.
            accumulate: micro-batches an update.

        Raises:
            ConfigError: it is stated, and the data say something else.
        """
        batches = self._source.total(1) if self.length is None else self.length
        known = None if batches is None else -(-batches // accumulate)
        if stated is None:
            return known
        if stated < 1 or (known is not None and known != stated):
            raise ConfigError(
                "The updates of an epoch are stated otherwise than the data say",
                expected="1 or more" if known is None else f"{known}, or leave it out",
                received=f"updates_per_epoch={stated!r}",
                where=f"{self._where} data",
            )
        self.limit = stated * accumulate if known is None else None
        return stated

    def total_updates(
        self, epochs: int, updates_per_epoch: int | None, accumulate: int
    ) -> int | None:
        """Updates of so many epochs from the first; None if that is not known."""
        exact = self._source.total(epochs) if self.limit is None and accumulate == 1 else None
        if exact is not None:
            return exact
        return None if updates_per_epoch is None else epochs * updates_per_epoch

    def describe(self, rows: int, batches: int) -> None:
        """Log what an epoch held, where that is not each sample once or not as announced."""
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
                "The %s data go on in each epoch where the last one ended, and they were read from "
                "before: the training does not go on exactly. Make the iterator anew to resume",
                self._where,
            )
            return
        _log.info(
            "The %s data of %d epochs are read again, to go on behind them", self._where, missed
        )
        for _ in range(missed):
            for _ in self._next():
                pass

    def _next(self) -> Iterator[Batch]:
        """The next epoch of training."""
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
                    "The %s data ended after %d updates, and updates_per_epoch says %d: the epoch "
                    "ends there",
                    *(self._where, done, self.limit),
                )
                return
            yield batch
