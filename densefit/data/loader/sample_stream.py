"""Stream of checked samples over epochs: position, skipped samples and class counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from densefit.data.checks.dropped_boxes import DroppedBoxes
from densefit.data.classes.class_occurrence import ClassOccurrence
from densefit.data.loader.collate import BatchLayout
from densefit.data.loader.label_encoder import Encoder
from densefit.data.loader.sample_task import ProcessedSample, SampleTask
from densefit.data.loader.skip_limit import SkipLimit
from densefit.data.sample_id import dataset_key, dataset_name, sample_id
from densefit.data.sampler import place_of
from densefit.data.workers.errors import LostWorkerError
from densefit.data.workers.thread_prefetcher import SamplePrefetcher
from densefit.errors import DataError
from densefit.once import first_time

_log = logging.getLogger("densefit")


class SampleStream:
    """Take the samples of an epoch from the workers, in order.

    Args:
        dataset: dataset of the samples.
        heads: heads of the labels.
        layout: checks each sample.
        prefetcher: prefetches samples.
        skips: counts skipped samples.
        unseen: names of the heads whose labels have not occurred yet.

    Attributes:
        position: samples of the epoch's order up to now, including skipped ones.
        good: unbroken samples of this epoch, including samples that a resume passes over.
        left_out: boxes without area in this epoch.
    """

    def __init__(
        self,
        dataset: Any,
        heads: Sequence[Encoder],
        layout: BatchLayout,
        prefetcher: SamplePrefetcher[ProcessedSample],
        skips: SkipLimit,
        unseen: set[str],
    ) -> None:
        self._dataset, self._heads, self._layout = dataset, heads, layout
        self._prefetcher, self._skips, self._is_skipping = prefetcher, skips, False
        self._unseen = unseen
        self._first_labels: dict[str, Mapping[str, Any] | None] = dict.fromkeys(unseen)
        self._occurring: ClassOccurrence | None = ClassOccurrence(heads)
        self._is_counted = False
        self.position = self.good = 0
        self.left_out = DroppedBoxes(dataset)

    def class_counter(self, is_whole: bool) -> ClassOccurrence | None:
        """Class counter of the workers in an epoch that is read completely, or not.

        Classes are counted in the first epoch that is; None for others.
        """
        self._is_counted = is_whole and self._occurring is not None
        if self._is_counted:
            self._occurring = ClassOccurrence(self._heads)
        return ClassOccurrence(self._heads) if self._is_counted else None

    def begin(self, task: SampleTask, order: Sequence[int] | np.ndarray, start: int) -> None:
        """Discard prefetched samples and move to sample `start` of an epoch's order.

        Args:
            task: task of the workers in the epoch.
            order: visits of the epoch.
            start: samples of the order to pass over.
        """
        self._is_skipping = task.skips
        self._prefetcher.begin(task, map(int, order[start:]))
        self.position = self.good = start
        self._skips.begin(len(order))
        self.left_out = DroppedBoxes(self._dataset)

    def take(self, count: int, refill: bool = True) -> list[ProcessedSample]:
        """Return up to `count` samples, in order; fewer at the end of the epoch.

        Args:
            count: number of samples.
            refill: whether skipped samples are made up for by the following ones.

        Raises:
            DataError: a sample is broken, took too long or does not fit the batch.
        """
        samples: list[ProcessedSample] = []
        is_more = True
        while is_more and len(samples) < count:
            before, failure = len(samples), None
            try:  # the list keeps samples from before an error
                samples.extend(islice(iter(self._prefetcher.next, None), count - before))
                is_more = len(samples) == count
            except DataError as error:
                failure = error
            self.position += len(samples) - before + (failure is not None or not is_more)
            self._look(samples[before:])
            if failure is not None:
                self._skip(failure)
                count -= not refill
        if refill and not samples and not self.good:
            self._skips.check_any_good()
        self.good += len(samples)
        return samples

    def bind_first_labels(self, samples: Sequence[ProcessedSample]) -> None:
        """Replace zero placeholders by a head's first labels, for samples that do not train it.

        Placeholder labels come from a probed sample (see `stand_ins`), and are zeros if none trains
        the head. At zeros a loss may have a nan derivative, and 0 times nan is nan.
        """
        for head, labels in self._first_labels.items():
            if labels is None:
                first = next((s.labels[head] for s in samples if s.labelled[head]), None)
                if first is None:
                    continue
                # Copy: labels of worker processes lie in memory that is reused.
                labels = self._first_labels[head] = {k: np.array(v) for k, v in first.items()}
            for sample in samples:
                if not sample.labelled[head]:
                    sample.labels[head] = labels

    def warn_at_end(self) -> None:
        """Warn once of heads without labels and of classes that no sample of an epoch had."""
        for name in self._unseen if self._is_counted else ():
            if first_time("no label", name, dataset_key(self._dataset)):
                _log.warning(
                    "none of the %d samples of a first epoch has labels for the head %r (%s)",
                    *(self.good, name, dataset_name(self._dataset)),
                )
        if self._is_counted and self._occurring is not None:
            where = f"the {self.good} samples of a first epoch"
            self._occurring.tell(where, self._dataset, "training")
            self._occurring = None

    def _skip(self, error: DataError) -> None:
        """Skip a broken sample, or raise its error."""
        if not self._is_skipping or isinstance(error, LostWorkerError):
            raise error
        visit = self._prefetcher.current
        self._skips.add(sample_id(self._dataset, place_of(visit, len(self._dataset))), error)

    def _look(self, samples: Sequence[ProcessedSample]) -> None:
        """Check samples, and record remarks, labelled heads and classes."""
        self._layout.check(samples)
        if self._is_skipping and samples:
            self._skips.good()
        for sample in samples:
            if sample.remarks:
                self.left_out.add(sample.remarks)
            if self._unseen:
                self._unseen -= {name for name, has in sample.labelled.items() if has}
            if sample.occurring and self._occurring is not None:
                self._occurring.take(sample.occurring)
