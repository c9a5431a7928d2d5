"""Load a dataset in batches, prefetched by threads or processes."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Self

from densefit.data.batch import Batch
from densefit.data.classes.class_map import Renames
from densefit.data.loader.label_encoder import Encoder
from densefit.data.loader.loader_position import LoaderPosition
from densefit.data.loader.loader_settings import check_settings
from densefit.data.loader.sample_stream import SampleStream
from densefit.data.loader.sample_task import ProcessedSample, SampleTransform
from densefit.data.loader.skip_limit import SkipLimit
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.data.shard import Part
from densefit.data.workers.factory import default_workers, make_prefetcher
from densefit.errors import ConfigError, DataError, DensefitError


class Loader(LoaderPosition):
    """Load batches of a dataset; workers read, transform and encode the samples.

    Threads are usually enough: cv2, Pillow and numpy release the GIL. Use processes for datasets
    and transforms that spend their time in Python code (see docs/loading.md). Up to
    2 * batch_size + workers samples are prefetched, also while the consumer computes; together with
    the batch that is being collated, they are all that a loader holds in memory. Batches depend on
    (seed, epoch) alone, not on the workers. `df.interop.as_data_iter(loader)` wraps the loader as
    an `mx.io.DataIter`.

    `dataset`, `transform` and `heads` are called by several threads at once and must not change;
    processes receive the dataset when they start, and the others at the beginning of each epoch.

    Args:
        dataset: dataset of the samples. A dataset with its own order, such as a Mixture, determines
            the length of an epoch, the order, and which samples share a batch.
        batch_size: samples per batch; the last batch of an epoch is smaller, never padded.
        transform: (sample, rng) -> sample, or None. Its `output_size` is the input size; otherwise
            the size of the first sample is. All samples must have this size.
        heads: heads whose `encode` makes the labels, named `<head>_<label>`, in this order.
        workers: number of workers; 0 loads in the caller's thread (without a time limit). Default:
            the number of CPUs available to the process, up to 8.
        worker_kind: "threads" or "processes".
        shuffle: visit the samples in another order each epoch.
        seed: seed of the order and the transforms.
        last: "keep" the smaller last batch, or "drop" it. With a shuffle the dropped samples are
            random in each epoch, without one always the same. A Mixture moves them to the next
            epoch.
        on_error: "raise" errors of samples, or "skip" broken samples: the batch is filled from the
            following samples, and `skipped` lists the reasons. "leave_out" is the same for
            scoring, which refuses "skip": a score then says how many samples were `unreadable`.
            Running out of memory is never skipped.
        timeout: seconds that one sample may take in its worker; time in a queue does not count.
        rename: class or keypoint name of the dataset -> name of the heads, or None to drop the
            class: see `RenamedClasses`. Class indices are always matched by name.
        originals: carry the targets before any transform, which metrics compare with. Training
            does not need them, and is faster without.
        skip_limit: largest share of an epoch's samples that may be skipped (10 samples, if at most
            half, are always allowed); more, or 100 in a row, raise an error.
        taught: names of the heads that learn from a teacher, see `fit(distill=...)`: it is no error
            if no sample has their targets.

    Attributes:
        epoch: number of the current epoch.
        exact: whether an epoch visits each sample exactly once, as evaluation requires.
        left_out: boxes of this epoch without area, which are dropped (`left_out.count`), and boxes
            that lose more than half of their area when cut to the image (`left_out.cut`).

    Raises:
        ConfigError: a setting is out of range, or something cannot be pickled for processes.
        DataError: the dataset is empty, the sample size is unknown, or no sample has a target that
            a head declares.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        transform: SampleTransform | None = None,
        heads: Sequence[Encoder] = (),
        workers: int | None = None,
        worker_kind: str = "threads",
        shuffle: bool = False,
        seed: int = 0,
        last: str = "keep",
        on_error: str = "raise",
        timeout: float = 120.0,
        originals: bool = True,
        skip_limit: float = 0.1,
        rename: Renames | None = None,
        taught: Sequence[str] = (),
    ) -> None:
        workers = default_workers() if workers is None else workers
        check_settings(batch_size, workers, worker_kind, seed, last, on_error, timeout, skip_limit)
        super().__init__(dataset, batch_size, rename)
        dataset = self.dataset
        self.transform, self.heads, self.taught = transform, tuple(heads), tuple(taught)
        self.workers, self.worker_kind = workers, worker_kind
        self.shuffle, self.seed = shuffle, seed
        self.last, self.on_error, self.timeout = last, on_error, timeout
        self.originals = originals
        self.epoch = self._position = 0
        self.part, self._windows = Part(), list[int]()
        self._order = self._make_order()
        self.exact = last == "keep" and on_error != "skip" and self._order.exact
        if len(self) == 0:
            raise ConfigError(
                "Every batch would be dropped",
                expected=f"batch_size of at most {self.epoch_samples}, or last='keep'",
                received=f"batch_size={batch_size}, last='drop'",
            )
        unseen = self._prepare_labels()
        self._ahead = make_prefetcher(
            worker_kind, self._task(0), workers, self._window, timeout, lambda: self._sample_bytes
        )
        self._skips = SkipLimit(skip_limit, dataset_name(dataset))
        parts = (self._layout, self._ahead, self._skips)
        self._samples = SampleStream(dataset, self.heads, *parts, unseen)
        self._failure: DensefitError | None = None
        self._pinned = False  # whether `set_epoch` was called, and nothing read since
        self._begin(0)

    def __iter__(self) -> Self:
        """Return this loader; after the end of an epoch, move to the start of the next."""
        if self._finished:
            self.reset()
        return self

    def __next__(self) -> Batch:
        """Return the next batch.

        Raises:
            StopIteration: the epoch is over.
            DataError: a sample is broken, took too long or does not fit the batch.
        """
        if self._failure is not None:
            raise self._failure
        self._pinned, self._started = False, True
        if self._is_divided:
            if not self._windows:
                self._finished = True
                raise StopIteration
            return self._next_window(self._windows.pop(0))
        samples = self._take(self.batch_size)
        if len(samples) < self.batch_size and (self.last == "drop" or not samples):
            self._finished = True
            self._samples.warn_at_end()
            raise StopIteration
        self._samples.bind_first_labels(samples)
        batch = self._layout.collate(samples)
        batch.position = self._samples.position
        return batch

    def _next_window(self, rows: int) -> Batch:
        """Return this rank's rows of a global batch; broken samples are not made up for."""
        samples = self._take(rows, refill=False) if rows else []
        self._samples.bind_first_labels(samples)
        batch = self._layout.collate(samples) if samples else self._layout.without_samples()
        self._position = min(self._position + self.global_batch_size, self.epoch_samples)
        batch.position = self._position
        return batch

    def _take(self, count: int, refill: bool = True) -> list[ProcessedSample]:
        try:
            return self._samples.take(count, refill)
        except DensefitError as error:
            self._failure = error
            raise
        except BaseException:
            self._failure = DataError(
                "The epoch was interrupted in the middle of a batch", fix="call reset()"
            )
            raise

    def ready(self) -> bool:
        """Whether the samples of the next batch are prefetched, so that it comes without a wait."""
        rows = self._windows[0] if self._windows else self.batch_size
        return self._failure is None and self._ahead.ready(rows)
