"""A dataset at its pictures' own sizes, for scoring and predicting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from densefit.data.batch import ArraySpec, Batch
from densefit.data.checks.dropped_boxes import BoxRemark, DroppedBoxes
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_map import Renames
from densefit.data.geometry.image_ops import GREY, crop, resize
from densefit.data.io.image import planes
from densefit.data.loader.buckets import Buckets, scaled_size
from densefit.data.loader.collate import originals
from densefit.data.loader.sample_loader import SampleLoader, check_least, image_spec
from densefit.data.loader.sample_task import ProcessedSample
from densefit.data.sample import Dataset, Geometry
from densefit.data.sample_id import sample_id
from densefit.data.workers.errors import with_sample_id
from densefit.data.workers.factory import default_workers
from densefit.data.workers.thread_prefetcher import ThreadPrefetcher


@dataclass(frozen=True)
class _Pad:
    """Reads a sample and pads its picture; called by several threads at once."""

    dataset: Dataset
    multiple: int
    short_side: int | None
    long_side: int | None

    def __call__(self, index: int) -> ProcessedSample:
        remarks: list[BoxRemark] = []
        try:
            sample = read_sample(self.dataset, index, remarks)
            height, width = sample.image.shape[:2]
            # The truth stays as it is: predictions are brought back to it.
            moved = replace(sample, targets={}, geometry=None)
            moved = resize(moved, *scaled_size((height, width), self.short_side, self.long_side))
            padded = [-(-side // self.multiple) * self.multiple for side in moved.image.shape[:2]]
            moved = crop(moved, 0, 0, padded[1], padded[0], GREY)
        except Exception as error:
            raise with_sample_id(error, "Reading", sample_id(self.dataset, index)) from error
        return ProcessedSample(
            index,
            sample.id,
            planes(moved.image),
            {},
            {},
            dict(sample.targets),
            moved.geometry or Geometry.identity(height, width),
            remarks=tuple(remarks),
        )


class OriginalSizeLoader(SampleLoader):
    """Batches of pictures at their own sizes, each padded to a bucket: for scores, not to train.

    A picture is padded at its right and bottom with grey, until both sides are a multiple of
    `multiple`. Pictures of one bucket are computed together: a bucket that has enough of them for
    a batch is handed out, and so is the one that waits longest when `ahead` pictures wait.
    Samples come exactly once, but not in the dataset's order. Every picture is computed alone in
    its row, so that scores do not depend on the order or on `batch_size`, but for the rounding of
    float32. They do depend a little on `multiple`: layers see the padding beyond the right and
    bottom border, where they would see zeros without it, and anchors whose sizes are shares of the
    input's follow the padded size.

    Args:
        dataset: the samples.
        batch_size: pictures a batch at most.
        multiple: of the sides of a padded picture. A small one pads less; a large one gives
            fewer buckets, so that batches are fuller and executors are bound less often.
        short_side: the picture is scaled until its shorter side has so many pixels; None leaves
            it as it is.
        long_side: the picture is made smaller, if it must, until its longer side has at most so
            many pixels.
        max_pixels: of a batch, padding included; large pictures come in smaller batches, one
            larger than that alone.
        ahead: pictures that wait for others of their bucket, at most; by default 8 batches.
        workers: threads; 0 works in the caller's thread (without a time limit). By default as many
            as the process may use CPUs, up to 8.
        timeout: seconds that one sample may take in its worker, thread or process, from its begin
            to its end. Time in a queue does not count, nor whether anybody waits for it.
        rename: other names of the dataset's classes, as in `Loader`.

    Attributes:
        sizes_vary: True: `provide_data` announces a batch of the first picture's size.

    Raises:
        ConfigError: a setting out of range.
        DataError: the dataset is empty, or its first sample cannot be read.

    Example:
        `df.score(network, df.Loader.original_size(dataset, batch_size=8))`
    """

    sizes_vary = True

    def __init__(
        self,
        dataset: Dataset,
        *,
        batch_size: int,
        multiple: int = 64,
        short_side: int | None = None,
        long_side: int | None = None,
        max_pixels: int = 4 * 1024 * 1024,
        ahead: int | None = None,
        workers: int | None = None,
        timeout: float = 120.0,
        rename: Renames | None = None,
    ) -> None:
        workers = default_workers() if workers is None else workers
        settings = {
            "batch_size": (batch_size, 1),
            "multiple": (multiple, 1),
            "short_side": (short_side, 1),
            "long_side": (long_side, 1),
            "max_pixels": (max_pixels, 1),
            "ahead": (ahead, 0),
            "workers": (workers, 0),
        }
        check_least(settings, "OriginalSizeLoader")
        super().__init__(dataset, batch_size, rename)
        self.multiple, self.max_pixels = multiple, max_pixels
        self.held = 8 * batch_size if ahead is None else ahead
        self._work = _Pad(self.dataset, multiple, short_side, long_side)
        self._ahead: ThreadPrefetcher[ProcessedSample] = ThreadPrefetcher(
            workers, workers + 1, timeout
        )
        height, width = self._work(0).data.shape[1:]
        self._first = (height, width)

    @property
    def provide_data(self) -> list[ArraySpec]:
        """[spec of "data", (batch_size, 3, H, W) uint8], H and W those of the first sample."""
        return [image_spec(self.batch_size, self._first)]

    def __iter__(self) -> Iterator[Batch]:
        buckets: Buckets[ProcessedSample] = Buckets(self.batch_size, self.max_pixels, self.held)
        left_out = DroppedBoxes(self.dataset)
        for made in self._ahead.all(self._work, range(len(self.dataset))):
            left_out.add(made.remarks)
            height, width = made.data.shape[1:]
            for group in buckets.add((height, width), made):
                yield _batch(group)
        for group in buckets.rest():
            yield _batch(group)


def _batch(group: Sequence[ProcessedSample]) -> Batch:
    """A batch of images of one size."""
    return Batch(
        {"data": np.stack([made.data for made in group])},
        {},
        real=len(group),
        ids=[made.id for made in group],
        targets=originals(group),
        geometries=[made.geometry for made in group],
        index=np.array([made.index for made in group], np.int64),
    )
