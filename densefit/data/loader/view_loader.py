"""Load batches of views, for evaluation and prediction with test-time augmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from densefit.data.batch import ArraySpec, Batch
from densefit.data.checks.dropped_boxes import BoxRemark, DroppedBoxes
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_map import Renames
from densefit.data.io.image import planes
from densefit.data.loader.sample_loader import SampleLoader, check_least, image_spec
from densefit.data.loader.views import View, Views
from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.data.workers.errors import with_sample_id
from densefit.data.workers.factory import default_workers
from densefit.data.workers.thread_prefetcher import ThreadPrefetcher


@dataclass
class Looked:
    """Views of a sample, made by a worker.

    Attributes:
        id: sample id.
        images: (3, H, W) uint8 each.
        views: geometry of each view.
        original: targets of the sample.
        remarks: remarks on dropped or cut boxes.
    """

    id: str
    images: list[np.ndarray]
    views: list[View]
    original: dict[str, np.ndarray]
    remarks: tuple[BoxRemark, ...] = ()


@dataclass(frozen=True)
class LookTask:
    """Read a sample and make its views; called by several threads at once."""

    dataset: Dataset
    views: Views
    input_size: tuple[int, int]

    def __call__(self, index: int) -> Looked:
        remarks: list[BoxRemark] = []
        try:
            sample = read_sample(self.dataset, index, remarks)
            looks = self.views.of(sample, self.input_size)
        except Exception as error:
            raise with_sample_id(error, "Looking", sample_id(self.dataset, index)) from error
        images = [planes(image) for image, _ in looks]
        views = [view for _, view in looks]
        return Looked(sample.id, images, views, dict(sample.targets), tuple(remarks))


class ViewLoader(SampleLoader):
    """Batches whose rows are views of samples: test-time augmentation and sliding windows.

    `df.score` and `df.predict` merge the views of a sample into one prediction. The views of a
    sample follow one another; a batch may hold views of several samples, so that the load of the
    device does not depend on the number of views.

    Args:
        dataset: dataset of the samples.
        input_size: (height, width) of the network's input.
        batch_size: views per batch; affects results by float32 rounding only.
        views: settings of the views.
        workers: threads; 0 loads in the caller's thread (without a time limit). Default: the
            number of CPUs available to the process, up to 8.
        timeout: seconds that one sample may take in its worker; time in a queue does not count.
        rename: new names of the dataset's classes, as in `Loader`.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the dataset is empty.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        input_size: Sequence[int],
        batch_size: int,
        views: Views | None = None,
        workers: int | None = None,
        timeout: float = 120.0,
        rename: Renames | None = None,
    ) -> None:
        workers = default_workers() if workers is None else workers
        height, width = (int(side) for side in input_size)
        settings = {
            "batch_size": (batch_size, 1),
            "workers": (workers, 0),
            "input_size": (min(height, width), 1),
        }
        check_least(settings, "ViewLoader")
        super().__init__(dataset, batch_size, rename)
        self.views, self.input_size = views or Views(), (height, width)
        self._ahead: ThreadPrefetcher[Looked] = ThreadPrefetcher(workers, workers + 1, timeout)

    @property
    def provide_data(self) -> list[ArraySpec]:
        """[spec of "data", (batch_size, 3, H, W) uint8]."""
        return [image_spec(self.batch_size, self.input_size)]

    def __iter__(self) -> Iterator[Batch]:
        work = LookTask(self.dataset, self.views, self.input_size)
        rows: list[tuple[Looked, int]] = []
        left_out = DroppedBoxes(self.dataset)
        for looked in self._ahead.all(work, range(len(self.dataset))):
            left_out.add(looked.remarks)
            rows += [(looked, number) for number in range(len(looked.views))]
            while len(rows) >= self.batch_size:
                yield _batch(rows[: self.batch_size])
                rows = rows[self.batch_size :]
        if rows:
            yield _batch(rows)


def _batch(rows: Sequence[tuple[Looked, int]]) -> Batch:
    """Collate views: (views of a sample, number of the view) for each row."""
    return Batch(
        {"data": np.stack([looked.images[number] for looked, number in rows])},
        {},
        real=len(rows),
        ids=[looked.id for looked, _ in rows],
        targets=[looked.original for looked, _ in rows],
        geometries=[looked.views[number] for looked, number in rows],
    )
