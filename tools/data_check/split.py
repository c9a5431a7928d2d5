"""One split of the data while it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from densefit.data.checks.dropped_boxes import BoxRemark
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name, sample_id
from densefit.datasets.files.boxes import check_size
from densefit.errors import DataError, DensefitError
from densefit.process.cpus import available_cpus
from densefit.tools.data_check.file_cache import FileCache
from densefit.tools.data_check.findings import as_data_error
from densefit.tools.data_check.image_files import ImageFiles
from densefit.tools.data_check.labels import LabelCollector, Labels, Size, annotated_labels

_WINDOW = 64  # samples in decoding threads at once

# Kinds of errors, in the order in which they are looked for.
ANNOTATION, FILE, HEADER, SIZE, EXIF, SAMPLE = (
    "unreadable_annotation",
    "missing_file",
    "unreadable_image",
    "size_differs",
    "exif_disagrees",
    "unreadable_sample",
)

Progress = Callable[[int], None]


class SplitCheck:
    """Checks of a split, from cheap to dear; each adds to `errors` what makes samples unusable.

    Args:
        dataset: of the split.
        cache: of the folder that the images are in.

    Attributes:
        files: image files, after `look`.
        labels: labels, after `read_labels` or `decode`.
        errors: kind -> index -> error.
        headers, decoded: number of images whose headers were read, and of decoded samples.
    """

    def __init__(self, dataset: Dataset, cache: FileCache) -> None:
        self.dataset, self.cache = dataset, cache
        self.files, self.labels = ImageFiles(), Labels()
        self.errors: dict[str, dict[int, DensefitError]] = {
            kind: {} for kind in (ANNOTATION, FILE, HEADER, SIZE, EXIF, SAMPLE)
        }
        self.decoded = 0

    @property
    def headers(self) -> int:
        """Number of images whose header was read, or tried."""
        tried = sum(header is not None for header in self.files.headers)
        return tried + len(self.errors[HEADER])

    @property
    def broken(self) -> dict[int, DensefitError]:
        """Index -> first error of each sample that cannot be used."""
        first: dict[int, DensefitError] = {}
        for errors in self.errors.values():
            for index, error in errors.items():
                first.setdefault(index, error)
        return first

    def look(self) -> None:
        """Look at faults of the annotations, at the files, and for headers in the cache."""
        faults: Mapping[int, DensefitError] = getattr(self.dataset, "faults", None) or {}
        self.errors[ANNOTATION].update(faults)
        self.files = ImageFiles.of(self.dataset)
        for index, error in self.files.errors.items():
            if index not in faults:
                self.errors[FILE][index] = error
        self.files.errors.clear()
        self.uncached = self.files.missing_headers(self.cache)

    def read_headers(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Read the headers that the cache lacks, and compare sizes with the stated ones."""
        rest = iter(self.uncached)
        while not stopped() and (part := list(islice(rest, _WINDOW))):
            self.files.read_headers(part, self.cache)
        self.errors[HEADER].update(self.files.errors)
        self._compare_sizes()

    def sizes(self) -> list[Size | None]:
        """(height, width) of each image as the dataset reads it, as far as known."""
        headers = self.files.headers or [None] * len(self.dataset)
        exif, stated = getattr(self.dataset, "exif", True), getattr(self.dataset, "size_of", None)
        return [
            header.size_as_read(exif)
            if header is not None
            else (None if stated is None else stated(index))
            for index, header in enumerate(headers)
        ]

    def read_labels(self) -> None:
        """Read the labels from the annotations."""
        has_annotations = hasattr(self.dataset, "annotations_of")
        sizes = self.sizes() if has_annotations else []
        self.labels = annotated_labels(self.dataset, self.broken, sizes)
        self.errors[ANNOTATION].update(self.labels.errors)

    def decode(self, progress: Progress = lambda index: None) -> None:
        """Decode every sample, and take the labels from them."""
        collector = LabelCollector()
        broken, self.decoded = self.broken, 0
        indices = iter(range(len(self.dataset)))
        with ThreadPoolExecutor(available_cpus()) as pool:
            while part := list(islice(indices, _WINDOW)):
                for index, result in zip(part, pool.map(self._decoded, part)):
                    progress(index)
                    self.decoded += 1
                    if not isinstance(result, DensefitError):
                        collector.add(index, result)
                    elif index not in broken:
                        self.errors[SAMPLE][index] = result
        self.labels = collector.labels()

    def _decoded(self, index: int) -> dict[str, np.ndarray] | DensefitError:
        remarks: list[BoxRemark] = []
        try:
            return read_sample(self.dataset, index, remarks).targets
        except Exception as error:
            return as_data_error(error, "Reading the sample")

    def _compare_sizes(self) -> None:
        stated_size: Any = getattr(self.dataset, "size_of", None)
        if stated_size is None:
            return
        exif = getattr(self.dataset, "exif", True)
        broken = self.broken
        for index, header in enumerate(self.files.headers):
            stated = None if header is None or index in broken else stated_size(index)
            if header is None or stated is None:
                continue
            actual = header.size_as_read(exif)
            try:
                check_size(stated, actual, self.files.paths[index], self._name(index))
            except DataError as error:
                turned = header.orientation > 4 and stated == actual[::-1]
                self.errors[EXIF if turned else SIZE][index] = error

    def _name(self, index: int) -> str:
        return f"sample {sample_id(self.dataset, index)} of {dataset_name(self.dataset)}"
