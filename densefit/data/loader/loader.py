"""The loader: a dataset as batches, made ahead by threads or processes."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Self

from densefit.data.batch import Batch
from densefit.data.classes.class_map import Renames
from densefit.data.loader.label_encoder import Encoder
from densefit.data.loader.loader_facts import LoaderFacts
from densefit.data.loader.loader_settings import check_settings
from densefit.data.loader.sample_stream import SampleStream
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.loader.skip_limit import SkipLimit
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.data.sampler import order_of
from densefit.data.workers.factory import default_workers, make_prefetcher
from densefit.errors import ConfigError, DataError, DensefitError


class Loader(LoaderFacts):
    """Batches of a dataset, read, transformed and encoded by workers.

    Threads are mostly enough: cv2, Pillow and numpy release the interpreter lock where the time
    goes. Processes are for datasets and transforms that are Python themselves (see
    docs/loading.md). Up to 2 * batch_size + workers samples are made ahead, also while the
    consumer computes; with those of the batch that is being put together, they are all that a
    loader holds. What comes out depends on (seed, epoch) alone, never on the workers.
    `df.interop.as_data_iter(loader)` gives the batches as an `mx.io.DataIter`.

    `dataset`, `transform` and `heads` are called by several threads at once and must not change;
    processes get copies of them at the beginning of each epoch.

    Args:
        dataset: the samples. One that has an order of its own, as a Mixture, says how many of
            them make an epoch, which, and which are together in a batch.
        batch_size: samples a batch; the last batch of an epoch is smaller, never padded.
        transform: (sample, rng) -> sample, or None. Its `output_size` is the input size; without
            one, the size of the first sample is. All samples must have it.
        heads: whose `encode` makes the labels, named `<head>_<label>`, in this order.
        workers: their number; 0 works in the caller's thread (without a time limit). By default as
            many as the process may use CPUs, up to 8.
        worker_kind: "threads" or "processes".
        shuffle: visit the samples in another order each epoch.
        seed: of the order and of the transforms.
        last: "keep" the smaller last batch, or "drop" it: in each epoch the samples that a shuffle
            brings last, by chance; without one always the same. A Mixture carries them on.
        on_error: "raise" what goes wrong with a sample, or "skip" the sample: the batch is filled
            from those that follow, and `skipped` tells. Where memory runs out nothing is skipped.
        timeout: seconds that one sample may take in its worker, thread or process, from its begin
            to its end. Time in a queue does not count, nor whether anybody waits for it.
        rename: the dataset's name of a class or keypoint -> that of the heads, or None to drop the
            class, where they differ: see `RenamedClasses`. Numbers are always matched by names.
        originals: carry the targets as they were before any transform, which scores compare with.
            A training of heads needs none, and is served faster without.
        skip_limit: share of an epoch's samples of which more are not skipped (10, if not more than
            half, are in any case), nor 100 in a row: then something else is wrong.

    Attributes:
        epoch: which epoch is being visited.
        exact: whether an epoch visits each sample exactly once, as scores need it.
        left_out: boxes without area, which are left out: `left_out.count` of them this epoch; and
            `left_out.cut` that lose more than half of their area where they are cut to the picture.

    Raises:
        ConfigError: a setting out of range, or something that cannot be sent to processes.
        DataError: the dataset is empty, its samples' size cannot be told, or none has a target
            that a head declares to read.
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
    ) -> None:
        workers = default_workers() if workers is None else workers
        check_settings(batch_size, workers, worker_kind, seed, last, on_error, timeout, skip_limit)
        super().__init__(dataset, batch_size, rename)
        dataset = self.dataset
        self.transform, self.heads = transform, tuple(heads)
        self.workers, self.worker_kind = workers, worker_kind
        self.shuffle, self.seed = shuffle, seed
        self.last, self.on_error, self.timeout = last, on_error, timeout
        self.originals = originals
        self.epoch = 0
        drops, skips = last == "drop", on_error == "skip"
        self._order = order_of(dataset, shuffle, batch_size, skips=skips, drops=drops)
        self.exact = last == "keep" and on_error == "raise" and self._order.exact
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
        self._pinned = False  # whether `set_epoch` chose the epoch, and nothing was read since
        self._begin(0)

    def __iter__(self) -> Self:
        """This loader; after the end of an epoch, at the start of the next."""
        if self._finished:
            self.reset()
        return self

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            StopIteration: the epoch is over.
            DataError: a sample could not be made, took too long or does not fit the batch.
        """
        if self._failure is not None:
            raise self._failure
        self._pinned, self._started = False, True
        try:
            samples = self._samples.take(self.batch_size)
        except DensefitError as error:
            self._failure = error
            raise
        except BaseException:
            self._failure = DataError(
                "The epoch was interrupted in the middle of a batch", fix="call reset()"
            )
            raise
        if len(samples) < self.batch_size and (self.last == "drop" or not samples):
            self._finished = True
            self._samples.tell_end()
            raise StopIteration
        self._samples.bind_first_labels(samples)
        batch = self._layout.collate(samples)
        batch.position = self._samples.position
        return batch

    def ready(self) -> bool:
        """Whether the samples of the next batch are made, so that nobody would wait for it."""
        return self._failure is None and self._ahead.ready(self.batch_size)

    def reset(self) -> None:
        """Go to the start of the next epoch; after `set_epoch(n)`, to that of epoch n."""
        epoch = self.epoch if self._pinned else self.epoch + 1
        self._begin(epoch)
        self._pinned = False

    def set_epoch(self, epoch: int, skip: int = 0, position: int | None = None) -> None:
        """Go to the start of an epoch, past its first `skip` batches (which are not read).

        Args:
            epoch: its number.
            skip: batches.
            position: samples to pass instead, as the last batch's `position` says: where broken
                samples are skipped, the number of batches does not determine them.
        """
        if epoch < 0 or skip < 0:
            raise ConfigError("Epochs and batches count from 0", received=f"{epoch}, {skip}")
        self._begin(epoch, skip * self.batch_size if position is None else position)
        self._pinned = True

    def _begin(self, epoch: int, start: int = 0) -> None:
        """Drop what is under way and stand at sample `start` of the epoch."""
        self.epoch = epoch
        order = self._order.indices(self.seed, epoch)
        if self.last == "drop" and self.on_error == "raise":
            order = order[: len(self) * self.batch_size]  # the rest would be made in vain
        self._started = self._finished = False
        self._failure = None
        task = self._task(epoch, self._samples.class_counter(start))
        self._samples.begin(task, order.tolist(), start)

    def close(self) -> None:
        """End the workers, and the epoch if it was begun; another one starts new workers."""
        self._ahead.stop()
        if self._started:
            self._finished = True
        else:
            self._begin(self.epoch, self._samples.good)
