"""Settings and iteration shared by all programs that score files of other systems."""

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
from densefit.tools.analysis.class_scores import class_scores
from densefit.tools.recipes.run.out_folder import make_folder
from densefit.tools.recipes.run.progress import WithProgress
from densefit.tools.report.pictures import best_of
from densefit.tools.report.report import report
from densefit.tools.scoring import absent_classes

_SLOWEST = 600.0  # seconds for the files of one sample
_LISTED = 50  # broken samples in an error


@dataclass
class ScoreSettings:
    """Settings of every program that scores files.

    Args:
        out: folder for scores.json, tables and images; by default scores are only printed.
        bootstrap: resamples of the dataset for 95 % intervals; 0 for none.
        worst: number of worst samples to list and draw; 0 for none.
        images: folder of the images, to draw the worst samples on.
        seed: seed of the resampling.
        workers: number of threads that read files.
    """

    out: str | None = None
    bootstrap: int = 0
    worst: int = 12
    images: str | None = None
    seed: int = 0
    workers: int = field(default_factory=default_workers)

    def check(self) -> None:
        """Raise ConfigError if a number is out of range or `out` is not writable."""
        for name in ("bootstrap", "worst", "workers"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} is negative", received=getattr(self, name), fix=f"--{name} 0"
                )
        if self.out is not None:
            make_folder(self.out)

    def watched(self, metric: Metric) -> Metric:
        """Wrap the metric in `PerSample` if `worst` or `bootstrap` need scores of samples."""
        if self.bootstrap or (self.worst and self.out is not None):
            return PerSample(metric, keep_states=self.bootstrap > 0)
        return metric

    def drawn_from(self, metrics: Sequence[Metric]) -> float | None:
        """Score threshold for drawing: as configured, else with the highest F1.

        None if nothing is drawn, or no threshold is best.
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
        """Print the scores, and write all files into `out`; see `report`."""
        notes = [*notes, *absent_classes.note(metrics)]
        scores = report(
            None if self.out is None else Path(self.out),
            {"": metrics},
            title,
            {**about, "notes": list(notes)},
            bootstrap=self.bootstrap,
            seed=self.seed,
            worst=self.worst,
            pictures=pictures,
            classes=lambda head, numbers: class_scores(metrics, numbers),
        )
        for note in notes:
            print(f"note: {note}")
        return scores


def with_shared_settings(settings: type) -> str:
    """Docstring of a tool's settings followed by the shared ones."""
    shared = str(ScoreSettings.__doc__).partition("Args:\n")[2]
    return f"{str(settings.__doc__).rstrip()}\n{shared}"


def required_path(value: str | None, option: str, what: str) -> Path:
    """Require a path; raise ConfigError with the option if it is missing."""
    if value is None:
        raise ConfigError(f"Where are the {what}?", fix=f"{option} PATH")
    return Path(value)


class ScoredPairs(Protocol):
    """Samples with prediction and ground truth."""

    def __len__(self) -> int: ...

    def id_of(self, index: int) -> str:
        """Name of a sample."""

    def where(self, index: int) -> str:
        """The files of a sample, for errors."""

    def read(self, index: int) -> tuple[Any, Any]:
        """(prediction, target) of a sample; called by several threads at once."""


@dataclass
class _Batch:
    """Consecutive samples."""

    where: str
    ids: list[str]
    predictions: list[Any]
    targets: list[Any]


class _Stream:
    """Prefetch a bounded number of pairs, in order."""

    def __init__(self, pairs: ScoredPairs, workers: int, together: int) -> None:
        self.dataset = pairs
        self._together = together
        self.failed: list[DataError] = []
        self._ahead: ThreadPrefetcher[tuple[Any, Any]] = ThreadPrefetcher(
            workers, 2 * max(workers, 1), _SLOWEST
        )

    def __call__(self, index: int) -> tuple[Any, Any]:
        return self.dataset.read(index)

    def __iter__(self) -> Iterator[_Batch]:
        self._ahead.begin(cast(Any, self), range(len(self.dataset)))
        for first in range(0, len(self.dataset), self._together):
            indices = range(first, min(first + self._together, len(self.dataset)))
            both = [pair for pair in (self._next() for _ in indices) if pair is not None]
            if self.failed:
                continue  # read on only to list all broken samples
            ids = [self.dataset.id_of(index) for index in indices]
            where = self.dataset.where(first)
            yield _Batch(where, ids, [pair[0] for pair in both], [pair[1] for pair in both])

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
        """Raise DataError if samples could not be read, listing them."""
        if len(self.failed) == 1:
            raise self.failed[0]
        if self.failed:
            lines = [f"{error.where}: {error.what}" for error in self.failed]
            more = [f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
            raise DataError(
                f"{len(lines)} of {len(self.dataset)} samples cannot be read",
                where="\n            ".join([*lines[:_LISTED], *more]),
            )


def update_metrics(
    metrics: Sequence[Metric], pairs: ScoredPairs, workers: int, together: int = 1
) -> None:
    """Update metrics with all samples, in order, and show the progress.

    A score needs all samples. If some cannot be read, the others are read, too, to report all
    errors together.

    Args:
        metrics: metrics to update.
        pairs: the samples.
        workers: threads that read; 0 reads in the calling thread.
        together: samples per update of the metrics; scores do not depend on it.
    """
    stream = _Stream(pairs, workers, together)
    with WithProgress(cast(Any, stream), "scoring") as watched:
        for some in watched:
            with located(some.where):
                for metric in metrics:
                    metric.update(some.predictions, some.targets, some.ids)
    stream.check()
