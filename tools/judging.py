"""What all scoring of other systems' files shares: settings, and the walk over the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Protocol, cast

import numpy as np

from densefit.data.ahead import Ahead
from densefit.errors import ConfigError, located
from densefit.metrics import Metric
from densefit.metrics.per_sample import PerSample
from densefit.tools import never_true
from densefit.tools.progress import Watched
from densefit.tools.report import report

_SLOWEST = 600.0  # seconds for the files of one sample


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

    out: Optional[str] = None  # noqa: UP045
    bootstrap: int = 0
    worst: int = 12
    images: Optional[str] = None  # noqa: UP045
    seed: int = 0
    workers: int = 2

    def check(self) -> None:
        """Raise ConfigError if a number is out of range."""
        for name in ("bootstrap", "worst", "workers"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} is negative", received=getattr(self, name), fix=f"--{name} 0"
                )

    def watched(self, metric: Metric) -> Metric:
        """The metric, scoring each sample alone too if that is asked for.

        That takes a small evaluation a sample; only the worst list and the bootstrap need it.
        """
        if self.bootstrap or (self.worst and self.out is not None):
            return PerSample(metric, keep_states=self.bootstrap > 0)
        return metric

    def tell(
        self,
        metrics: Sequence[Metric],
        title: str,
        about: Mapping[str, Any],
        pictures: Callable[[str], Sequence[np.ndarray]],
        notes: Sequence[str] = (),
    ) -> dict[str, float]:
        """Print the scores, and write everything into `out`; see `report`."""
        notes = [*notes, *never_true.note(metrics)]
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
        self._ahead: Ahead[tuple[Any, Any]] = Ahead(workers, 2 * max(workers, 1), _SLOWEST)

    def __call__(self, index: int) -> tuple[Any, Any]:
        return self.dataset.read(index)

    def __iter__(self) -> Iterator[_Some]:
        self._ahead.begin(cast(Any, self), range(len(self.dataset)))
        for first in range(0, len(self.dataset), self._together):
            places = range(first, min(first + self._together, len(self.dataset)))
            read = [self._ahead.next() for _ in places]
            both = [pair for pair in read if pair is not None]
            ids = [self.dataset.id_of(place) for place in places]
            where = self.dataset.where(first)
            yield _Some(where, ids, [pair[0] for pair in both], [pair[1] for pair in both])

    def close(self) -> None:
        self._ahead.stop()


def take_in(metrics: Sequence[Metric], pairs: Pairs, workers: int, together: int = 1) -> None:
    """Let metrics see all samples, in order; shows how far it is.

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
