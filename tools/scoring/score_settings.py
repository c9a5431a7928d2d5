"""What all scoring of other systems' files shares: settings, and the walk over the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from densefit.data.workers.errors import TooSlowError
from densefit.data.workers.factory import default_workers
from densefit.data.workers.thread_prefetcher import ThreadPrefetcher
from densefit.errors import ConfigError, DataError, located
from densefit.metrics import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.recipes.out_folder import make_folder
from densefit.tools.recipes.progress import Watched
from densefit.tools.report.pictures import best_of
from densefit.tools.report.report import report
from densefit.tools.scoring import absent_classes

_SLOWEST = 600.0  # seconds for the files of one sample
_LISTED = 50  # broken samples in an error


@dataclass
class Judging:
    """Settings of every scoring of files; a tool's own come before them.

    Args:
        out: folder for scores.json, tables and pictures; without it they are only printed.
        bootstrap: resamples of the dataset for 95 % intervals; 0 for none.
        worst: how many of the worst samples are listed and drawn; 0 for none.
        images: folder of the photographs, to draw the worst samples on.
        seed: of the resampling.
        workers: threads that read files.
    """

    out: str | None = None
    bootstrap: int = 0
    worst: int = 12
    images: str | None = None
    seed: int = 0
    workers: int = field(default_factory=default_workers)

    def check(self) -> None:
        """Raise ConfigError if a number is out of range, or nothing can be written into `out`."""
        for name in ("bootstrap", "worst", "workers"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} is negative", received=getattr(self, name), fix=f"--{name} 0"
                )
        if self.out is not None:
            make_folder(self.out)

    def watched(self, metric: Metric) -> Metric:
        """The metric, scoring each sample alone too if that is asked for.

        That takes a small evaluation a sample; only the worst list and the bootstrap need it.
        """
        if self.bootstrap or (self.worst and self.out is not None):
            return PerSample(metric, keep_states=self.bootstrap > 0)
        return metric

    def drawn_from(self, metrics: Sequence[Metric]) -> float | None:
        """The score from which on predictions are drawn: as asked for, else where F1 is highest.

        None if nothing is drawn, or no score is the best.
        """
        asked: float | None = getattr(self, "score_threshold", None)
        if asked is not None or not self.worst or self.out is None:
            return asked
        return best_of(metrics)

    def tell(
        self,
        metrics: Sequence[Metric],
        title: str,
        about: Mapping[str, Any],
        pictures: Callable[[str], Sequence[np.ndarray]],
        notes: Sequence[str] = (),
    ) -> dict[str, float]:
        """Print the scores, and write everything into `out`; see `report`."""
        notes = [*notes, *absent_classes.note(metrics)]
        found = report(
            None if self.out is None else Path(self.out),
            {"": metrics},
            title,
            {**about, "notes": list(notes)},
            bootstrap=self.bootstrap,
            seed=self.seed,
            worst=self.worst,
            pictures=pictures,
        )
        for note in notes:
            print(f"note: {note}")
        return found


def documented(own: type) -> str:
    """The docstring of a tool's own settings, and those that all tools have."""
    shared = str(Judging.__doc__).partition("Args:\n")[2]
    return f"{str(own.__doc__).rstrip()}\n{shared}"


def given(value: str | None, option: str, what: str) -> Path:
    """A path that must be given. Raises ConfigError naming the option if it is not."""
    if value is None:
        raise ConfigError(f"Where are the {what}?", fix=f"{option} PATH")
    return Path(value)


class Pairs(Protocol):
    """Samples of which both sides, what was predicted and what is true, can be read."""

    def __len__(self) -> int: ...

    def id_of(self, index: int) -> str:
        """Name of a sample."""

    def where(self, index: int) -> str:
        """The files of a sample, for errors."""

    def read(self, index: int) -> tuple[Any, Any]:
        """(prediction, target) of a sample; called by several threads at once."""


@dataclass
class _Some:
    """A few samples in succession."""

    where: str
    ids: list[str]
    predictions: list[Any]
    targets: list[Any]


class _Stream:
    """Reads pairs ahead, in order, a bounded number of them."""

    def __init__(self, pairs: Pairs, workers: int, together: int) -> None:
        self.dataset = pairs
        self._together = together
        self.failed: list[DataError] = []
        self._ahead: ThreadPrefetcher[tuple[Any, Any]] = ThreadPrefetcher(
            workers, 2 * max(workers, 1), _SLOWEST
        )

    def __call__(self, index: int) -> tuple[Any, Any]:
        return self.dataset.read(index)

    def __iter__(self) -> Iterator[_Some]:
        self._ahead.begin(cast(Any, self), range(len(self.dataset)))
        for first in range(0, len(self.dataset), self._together):
            places = range(first, min(first + self._together, len(self.dataset)))
            both = [pair for pair in (self._next() for _ in places) if pair is not None]
            if self.failed:
                continue  # there is no score; the others are read to tell all that is broken
            ids = [self.dataset.id_of(place) for place in places]
            where = self.dataset.where(first)
            yield _Some(where, ids, [pair[0] for pair in both], [pair[1] for pair in both])

    def _next(self) -> tuple[Any, Any] | None:
        try:
            return self._ahead.next()
        except TooSlowError:
            raise
        except DataError as error:
            self.failed.append(error)
            return None

    def close(self) -> None:
        self._ahead.stop()

    def check(self) -> None:
        """Raise DataError if samples could not be read: one alone, or all in a list."""
        if len(self.failed) == 1:
            raise self.failed[0]
        if self.failed:
            lines = [f"{one.where}: {one.what}" for one in self.failed]
            more = [f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
            raise DataError(
                f"{len(lines)} of {len(self.dataset)} samples cannot be read",
                where="\n            ".join([*lines[:_LISTED], *more]),
            )


def take_in(metrics: Sequence[Metric], pairs: Pairs, workers: int, together: int = 1) -> None:
    """Let metrics see all samples, in order; shows how far it is.

    A score is one of all samples. If some cannot be read, all are read, to tell them together.

    Args:
        metrics: updated.
        pairs: the samples.
        workers: threads that read; 0 reads in this one.
        together: how many samples a metric gets at once; changes no number.
    """
    stream = _Stream(pairs, workers, together)
    with Watched(cast(Any, stream), "scoring") as watched:
        for some in watched:
            with located(some.where):
                for metric in metrics:
                    metric.update(some.predictions, some.targets, some.ids)
    stream.check()
