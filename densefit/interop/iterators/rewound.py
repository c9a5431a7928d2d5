"""Sources of iterators that `reset()` rewinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from densefit.data.batch import Batch
from densefit.errors import DataError
from densefit.interop.iterators.chain import Chain
from densefit.interop.iterators.chained import ChainedSource
from densefit.interop.iterators.data_loaders import Loaders
from densefit.interop.iterators.origins import Ending


class RewoundSource(ChainedSource):
    """Source of an iterator whose epochs start with the first sample, or with a new order."""

    def __init__(self, iterator: Any, chain: Chain) -> None:
        super().__init__(iterator, chain)
        if self.origin.ending is Ending.UNTOLD and self.samples is None:
            raise untold(self)

    @property
    def samples(self) -> int | None:
        """Return the number of distinct samples; None if unknown.

        A user's iterator around another may select batches, unless padding depends on their
        number.
        """
        is_choice = self.chain.is_users and self.origin.ending is not Ending.UNTOLD
        return None if is_choice else self.origin.samples

    def train_epoch(self) -> Iterator[Batch]:
        """Yield one epoch of training."""
        self.start()
        number = -1
        for number, batch in enumerate(self.read()):
            yield with_padding(self, number, batch)
        length = self.length()
        if self.origin.ending is Ending.UNTOLD and number + 1 != length:
            raise DataError(
                f"{self.chain.name} gave another number of batches than its file has",
                expected=f"{length} batches for {self.samples} records",
                received=number + 1,
                fix="if the file was written again, make the iterator anew; an iterator around "
                "another must pass on every batch",
            )

    def score_pass(self) -> Iterator[Batch]:
        """Yield one scoring pass: every sample once.

        Raises:
            DataError: samples are left out.
        """
        self.check_passes(1)
        rows = 0
        for batch in self.train_epoch():
            rows += batch.real
            yield batch
        if self.samples is not None and rows != self.samples:
            raise self.refusal(
                f"{rows} of {self.samples} samples came",
                "mx.image.ImageDetIter leaves out images without a valid box: score with "
                "df.Loader(dataset, ...) or remove them from the list"
                if self.origin.leaves_out
                else "let no batchify_fn or collate_fn leave samples out"
                if isinstance(self.origin, Loaders)
                else "let nothing else read from it; an iterator around another must pass on every "
                "batch",
            )

    def check_passes(self, passes: int) -> None:
        """Raise DataError if the iterator drops or repeats samples."""
        super().check_passes(passes)
        if self.origin.ending is Ending.DROPPED and not self.origin.is_divisible():
            size, samples = self.origin.batch_size, self.origin.samples
            dropped = "some" if samples is None else samples % size
            raise self.refusal(
                f"{self.origin.name} leaves out {dropped} at the end, which do not fill a batch",
                self.origin.keep
                if self.origin.name != "MNISTIter"
                else f"a batch_size that divides {samples}, or mx.io.NDArrayIter of the arrays of "
                "mx.test_utils.get_mnist()",
            )

    def length(self) -> int | None:
        """Return the number of batches of a training epoch, if known."""
        samples, size = self.samples, self.origin.batch_size
        if self.chain.is_users and samples is None:
            return super().length()
        if samples is None or self.origin.leaves_out:
            return None
        return samples // size if self.origin.ending is Ending.DROPPED else -(-samples // size)

    @property
    def makes_up(self) -> bool:
        """Return whether another epoch leaves out other samples."""
        return self.origin.shuffles

    def describe_epoch(self, rows: int) -> str | None:
        """Explain an epoch whose number of rows differs from the number of samples."""
        samples, size = self.origin.samples, self.origin.batch_size
        is_drop = self.origin.ending is Ending.DROPPED
        if samples is None or rows >= samples:
            return None
        if self.chain.is_users and not (is_drop and rows == samples // size * size):
            return None
        return f"{rows} rows of {samples} samples: {self.origin.name} left out {samples - rows}" + (
            ", the same in every epoch" if not self.origin.shuffles else ""
        )


def with_padding(source: ChainedSource, number: int, batch: Batch) -> Batch:
    """Correct a batch's number of samples where its stated padding is wrong.

    Args:
        source: source of the batch.
        number: index of the batch in a pass of the origin.
        batch: a batch of the source.
    """
    origin = source.origin
    if origin.ending is Ending.PADDED:
        return batch
    pad = 0
    if origin.ending is Ending.UNTOLD:
        pad = max(0, (number + 1) * origin.batch_size - (origin.samples or 0))
    return replace(batch, real=batch.rows - pad)


def untold(source: ChainedSource) -> DataError:
    """Return the error for an iterator whose padding cannot be distinguished from samples."""
    return DataError(
        f"{source.origin.name}(round_batch=False) ends with rows of memory that nobody filled, "
        "and does not say how many",
        expected="one local record file, whose records can be counted",
        received=source.chain.name,
        fix="leave out round_batch=False: the last batch is then filled up with samples, which "
        "densefit counts rightly",
    )
