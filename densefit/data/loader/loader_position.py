"""Position of a Loader: its epoch, its place in it, and the part of a rank."""

from __future__ import annotations

from densefit.data.loader.loader_facts import LoaderFacts
from densefit.data.sampler import Order, order_of
from densefit.data.shard import Part, epoch_shard, scoring_shard
from densefit.errors import ConfigError, DensefitError


class LoaderPosition(LoaderFacts):
    """A Loader that moves to epochs and batches."""

    _position: int
    _windows: list[int]
    _failure: DensefitError | None
    _pinned: bool
    _started: bool
    _finished: bool

    def reset(self) -> None:
        """Move to the start of the next epoch; after `set_epoch(n)`, of epoch n."""
        epoch = self.epoch if self._pinned else self.epoch + 1
        self._begin(epoch)
        self._pinned = False

    def set_epoch(self, epoch: int, skip: int = 0, position: int | None = None) -> None:
        """Move to an epoch, past its first `skip` batches (which are not read).

        Args:
            epoch: number of the epoch.
            skip: number of batches to skip.
            position: number of samples to skip instead, i.e. the last batch's `position`: if broken
                samples are skipped, it does not follow from the number of batches.
        """
        if epoch < 0 or skip < 0:
            raise ConfigError("Epochs and batches count from 0", received=f"{epoch}, {skip}")
        self._begin(epoch, skip * self.global_batch_size if position is None else position)
        self._pinned = True

    def _begin(self, epoch: int, start: int = 0) -> None:
        """Discard prefetched samples and move to sample `start` of the epoch."""
        self.epoch = epoch
        self._started = self._finished = False
        self._failure = None
        part = self.part
        if self._is_divided:
            self._position = start
            sizes = self.batch_size, part, start, len(self)
            order, self._windows = epoch_shard(self._order, self.seed, epoch, *sizes)
            start = 0
        else:
            order = self._order.indices(self.seed, epoch)
            if self.last == "drop" and self.on_error == "raise":
                order = order[: len(self) * self.batch_size]  # the rest would be dropped
            if part.is_for_scoring:
                order = scoring_shard(order, self.batch_size, *part[:2])
        counter = self._samples.class_counter(start == 0 and part.size == 1)
        self._samples.begin(self._task(epoch, counter), order, start)

    def shard(self, rank: int = 0, size: int = 1, is_for_scoring: bool = False) -> None:
        """Read a rank's part of each epoch from now on; one part in one by default.

        In training, rank r of `size` reads its rows of global batches of `size * batch_size`
        samples: the batches of one process with that batch size. In scoring, it reads a run of
        whole batches.

        Args:
            rank: number of the rank, from 0.
            size: number of ranks.
            is_for_scoring: whether to read a run of batches.
        """
        part = Part(rank, size, is_for_scoring and size > 1)
        part.check()
        if part != self.part:
            self.part, self._windows = part, []
            self._order = self._make_order()
            self._begin(self.epoch)

    def _make_order(self) -> Order:
        """The order of the dataset in batches of all ranks together."""
        drops, skips = self.last == "drop", self.on_error != "raise"
        size = self.global_batch_size
        return order_of(self.dataset, self.shuffle, size, skips=skips, drops=drops)

    def close(self) -> None:
        """Stop the workers, and end a started epoch; another epoch starts new workers."""
        self._ahead.stop()
        if self._started:
            self._finished = True
        else:
            self._begin(self.epoch, self._position if self._is_divided else self._samples.good)
