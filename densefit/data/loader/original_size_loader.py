"""Load images at their original sizes, for evaluation and prediction."""

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
class PadTask:
    """Read a sample and pad its image; called by several threads at once."""

    dataset: Dataset
    multiple: int
    short_side: int | None
    long_side: int | None

    def __call__(self, index: int) -> ProcessedSample:
        remarks: list[BoxRemark] = []
        try:
            sample = read_sample(self.dataset, index, remarks)
            height, width = sample.image.shape[:2]
            # Ground truth is not resized: predictions are mapped back to the original size.
            resized = replace(sample, targets={}, geometry=None)
            resized = resize(
                resized, *scaled_size((height, width), self.short_side, self.long_side)
            )
            padded = [-(-side // self.multiple) * self.multiple for side in resized.image.shape[:2]]
            resized = crop(resized, 0, 0, padded[1], padded[0], GREY)
        except Exception as error:
            raise with_sample_id(error, "Reading", sample_id(self.dataset, index)) from error
        return ProcessedSample(
            index,
            sample.id,
            planes(resized.image),
            {},
            {},
            dict(sample.targets),
            resized.geometry or Geometry.identity(height, width),
            remarks=tuple(remarks),
        )


class OriginalSizeLoader(SampleLoader):
    """Batches of images at their original sizes, padded to buckets: for evaluation, not training.

    An image is padded at its right and bottom with grey, until both sides are a multiple of
    `multiple`. Images of one padded size form a bucket: a full bucket is returned as a batch, and
    so is the oldest one when `ahead` images are waiting. Every sample is returned once, but not in
    the dataset's order. Images of a batch do not affect each other, so that scores depend on the
    order and on `batch_size` only by float32 rounding. Scores depend slightly on `multiple`:
    layers see the padding beyond the right and bottom border instead of zeros, and anchors whose
    sizes are fractions of the input size follow the padded size.

    Args:
        dataset: dataset of the samples.
        batch_size: largest number of images per batch.
        multiple: the padded sides are multiples of it. A small value pads less; a large one makes
            fewer buckets, so that batches are fuller and executors are bound less often.
        short_side: resize images so that the shorter side has this many pixels; None keeps the
            size.
        long_side: shrink images whose longer side has more pixels than this.
        max_pixels: largest number of pixels per batch, padding included; large images come in
            smaller batches, a larger one alone.
        ahead: most images that wait for others of their bucket; default 8 batches.
        workers: threads; 0 loads in the caller's thread (without a time limit). Default: the
            number of CPUs available to the process, up to 8.
        timeout: seconds that one sample may take in its worker; time in a queue does not count.
        rename: new names of the dataset's classes, as in `Loader`.

    Attributes:
        sizes_vary: True: `provide_data` announces a batch of the first image's size.

    Raises:
        ConfigError: a setting is out of range.
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
        self._max_waiting = 8 * batch_size if ahead is None else ahead
        self._work = PadTask(self.dataset, multiple, short_side, long_side)
        self._ahead: ThreadPrefetcher[ProcessedSample] = ThreadPrefetcher(
            workers, workers + 1, timeout
        )
        height, width = self._work(0).data.shape[1:]
        self._first = (height, width)

    @property
    def provide_data(self) -> list[ArraySpec]:
        """[spec of "data", (batch_size, 3, H, W) uint8] at the first sample's padded size."""
        return [image_spec(self.batch_size, self._first)]

    def __iter__(self) -> Iterator[Batch]:
        buckets: Buckets[ProcessedSample] = Buckets(
            self.batch_size, self.max_pixels, self._max_waiting
        )
        left_out = DroppedBoxes(self.dataset)
        for processed in self._ahead.all(self._work, range(len(self.dataset))):
            left_out.add(processed.remarks)
            height, width = processed.data.shape[1:]
            for group in buckets.add((height, width), processed):
                yield _batch(group)
        for group in buckets.rest():
            yield _batch(group)


def _batch(group: Sequence[ProcessedSample]) -> Batch:
    """Collate images of one size."""
    return Batch(
        {"data": np.stack([processed.data for processed in group])},
        {},
        real=len(group),
        ids=[processed.id for processed in group],
        targets=originals(group),
        geometries=[processed.geometry for processed in group],
        index=np.array([processed.index for processed in group], np.int64),
    )
