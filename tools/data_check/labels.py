"""Labels of a split in columns, from annotations or from decoded samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from densefit.data.classes.class_lists import dataset_list
from densefit.errors import DataError, DensefitError
from densefit.tools.data_check.findings import as_data_error

Size = tuple[int, int]


@dataclass
class Labels:
    """Labels of the images of a split whose annotations could be read.

    Attributes:
        images: (n,) index of each object's image.
        classes: (n,) its class.
        boxes: (n, 4) float64 xyxy in pixels; nan where unknown.
        areas: (n,) in pixels; nan where unknown.
        is_crowd: (n,) bool.
        class_counts: target -> class -> number of images, for whole images' labels.
        pixels: class -> number of pixels of the masks, if they were decoded.
        mask_images: class -> number of masks that have it.
        empty: indices of images whose annotations hold no object and no label.
        annotated: number of images whose labels were looked at.
        errors: index -> why the annotations cannot be read.
    """

    images: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    classes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    areas: np.ndarray = field(default_factory=lambda: np.zeros(0))
    is_crowd: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    class_counts: dict[str, Counter[int]] = field(default_factory=dict)
    pixels: Counter[int] = field(default_factory=Counter)
    mask_images: Counter[int] = field(default_factory=Counter)
    empty: list[int] = field(default_factory=list)
    annotated: int = 0
    errors: dict[int, DensefitError] = field(default_factory=dict)


class LabelCollector:
    """Collects the labels of a split, image after image."""

    def __init__(self) -> None:
        self._labels = Labels()
        self._images: list[int] = []
        self._columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("classes", "boxes", "areas", "is_crowd")
        }

    def add(self, index: int, targets: Mapping[str, np.ndarray]) -> None:
        """Add the targets of an image."""
        labels, is_empty = self._labels, True
        labels.annotated += 1
        if "classes" in targets:
            is_empty = not len(targets["classes"])
            if not is_empty:
                self._add_objects(index, targets)
        if "label" in targets and int(targets["label"]) >= 0:
            is_empty = False
            labels.class_counts.setdefault("label", Counter())[int(targets["label"])] += 1
        if "labels" in targets:
            present = np.flatnonzero(np.asarray(targets["labels"]) > 0).tolist()
            is_empty = is_empty and not present
            labels.class_counts.setdefault("labels", Counter()).update(present)
        if "mask" in targets:
            counts = np.bincount(np.ravel(targets["mask"]), minlength=256)
            present = np.flatnonzero(counts[:255]).tolist()
            labels.pixels.update({value: int(counts[value]) for value in present})
            labels.mask_images.update(present)
            is_empty = is_empty and not present
        if is_empty and {"classes", "label", "labels", "mask"} & set(targets):
            labels.empty.append(index)

    def _add_objects(self, index: int, targets: Mapping[str, np.ndarray]) -> None:
        columns, count = self._columns, len(targets["classes"])
        boxes, areas, crowd = (targets.get(name) for name in ("boxes", "area", "crowd"))
        if boxes is None:
            boxes = np.full((count, 4), np.nan)
        if np.shape(boxes) != (count, 4):
            raise DataError(
                "Boxes and classes do not belong together",
                expected=f"boxes of the shape ({count}, 4), as there are {count} classes",
                received=np.shape(boxes),
            )
        if areas is None:
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        self._images.append(index)
        columns["classes"].append(targets["classes"])
        columns["boxes"].append(boxes)
        columns["areas"].append(areas)
        columns["is_crowd"].append(np.zeros(count, bool) if crowd is None else crowd)

    def fail(self, index: int, error: DensefitError) -> None:
        """Note an image whose annotations cannot be read."""
        self._labels.errors[index] = error

    def labels(self) -> Labels:
        """The labels so far."""
        columns, labels = self._columns, self._labels
        if self._images:
            counts = list(map(len, columns["classes"]))
            labels.images = np.repeat(np.array(self._images, np.int64), counts)
            labels.classes = np.concatenate(columns["classes"]).astype(np.int64, copy=False)
            labels.boxes = np.concatenate(columns["boxes"]).astype(np.float64)
            labels.areas = np.concatenate(columns["areas"]).astype(np.float64)
            labels.is_crowd = np.concatenate(columns["is_crowd"]).astype(bool, copy=False)
        return labels


def annotated_labels(
    dataset: Any, skipped: Mapping[int, object], sizes: Sequence[Size | None]
) -> Labels:
    """Labels from the annotations; none if the dataset cannot give them without decoding.

    Args:
        dataset: of the split.
        skipped: indices of samples that cannot be read.
        sizes: (height, width) of each image, as far as known.
    """
    collector = LabelCollector()
    read = getattr(dataset, "annotations_of", None)
    if read is None:
        return collector.labels()
    for index in range(len(dataset)):
        if index in skipped:
            continue
        try:
            targets = read(index, sizes[index])
            if targets:
                collector.add(index, targets)
        except Exception as error:
            collector.fail(index, as_data_error(error, "Reading the annotation"))
    return collector.labels()


def class_names(dataset: Any, target: str) -> list[str]:
    """Class names of a target; empty if the dataset has none."""
    return list(dataset_list(dataset, target) or ())


def counts_by_target(labels: Labels) -> Iterator[tuple[str, str, Counter[int]]]:
    """Yield (target, unit, class -> count) of each target with labels."""
    if len(labels.classes):
        yield "classes", "objects", Counter(labels.classes.tolist())
    for target, counts in labels.class_counts.items():
        yield target, "images", counts
    if labels.pixels:
        yield "mask", "pixels", labels.pixels
