"""Class weights of segmentation by median frequency balancing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from densefit.data.annotated import targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_matching import match_head
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name, sample_id
from densefit.data.subset import Subset
from densefit.data.wrapped import named_classes
from densefit.errors import DataError
from densefit.process.cpus import available_cpus

_log = logging.getLogger("densefit")

_IGNORE = 255
_MAX_WORKERS = 8
_MASK_OF = "mask_of"  # of datasets that can read a mask without its image

#: Reads the targets of a sample, in the head's classes; None if it has no mask.
_Read = Callable[[int], "np.ndarray | None"]


def median_frequency_weights(
    dataset: Dataset,
    head: Any = None,
    target: str = "mask",
    on_error: str = "raise",
    workers: int | None = None,
) -> np.ndarray:
    """Weight each class by the median frequency over its own (Eigen and Fergus, 2015).

    The frequency of a class is the number of its pixels over the number of pixels, but for the
    ignored ones (255), of the images that contain it. The median is over the classes that have
    pixels; a class without any has the weight 0, and a warning names it. Masks are read at their
    original size, without transforms.

    Args:
        dataset: the training data; samples without the target do not count.
        head: segmentation head whose classes are weighted; None: the dataset's classes.
        target: name of the masks' target, without a head.
        on_error: "skip" leaves out samples that cannot be read.
        workers: threads that read; None: one a CPU, up to 8.

    Returns:
        (C,) float64, in the order of the head's classes.

    Raises:
        DataError: the classes have no names, a mask holds a value of no class, no class has a
            pixel; or, unless they are skipped, a sample cannot be read.
    """
    target = target if head is None else head.target
    names = named_classes(dataset, target) if head is None else head.classes
    if not names:
        raise DataError(
            "The classes of the masks have no names",
            expected=f"an attribute {target}_classes or classes",
            where=dataset_name(dataset),
        )
    mapping = None if head is None else match_head(dataset, head)
    read = _reader(dataset, target, mapping or None)
    pixels, of_images = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)

    def count(index: int) -> np.ndarray | None:
        try:
            mask = read(index)
        except DataError:
            if on_error != "skip":
                raise
            return None
        return None if mask is None else _counts(mask, len(names), dataset, index)

    count_workers = workers or min(available_cpus(), _MAX_WORKERS)
    with ThreadPoolExecutor(count_workers) as pool:
        for counts in pool.map(count, range(len(dataset))):
            if counts is not None:
                pixels += counts
                of_images += np.where(counts > 0, counts.sum(), 0)
    return _weights(pixels, of_images, names, dataset)


def _weights(
    pixels: np.ndarray, of_images: np.ndarray, names: list[str], dataset: Dataset
) -> np.ndarray:
    """Weights out of the pixels of each class, and of the images that contain it."""
    has_pixels = pixels > 0
    if not has_pixels.any():
        raise DataError(
            "No mask has a pixel of a class",
            expected=f"pixels of {', '.join(names[:10])}",
            where=dataset_name(dataset),
            fix="leave class_weights out, and see whether the masks are read rightly",
        )
    frequency = pixels[has_pixels] / of_images[has_pixels]
    weights = np.zeros(len(names))
    weights[has_pixels] = np.median(frequency) / frequency
    if not has_pixels.all():
        _log.warning(
            "%s: no pixel of %s; the class weight is 0, so that the class is not learned",
            dataset_name(dataset),
            ", ".join(name for name, has in zip(names, has_pixels) if not has),
        )
    return weights


def _reader(
    dataset: Dataset,
    target: str,
    mapping: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]] | None,
) -> _Read:
    """A function that reads the mask of a sample; without the image where the dataset can."""
    mask_of = _mask_of(dataset) if target == "mask" else None

    def read(index: int) -> np.ndarray | None:
        declared = targets_of(dataset, index)
        if declared is not None and target not in declared:
            return None
        if mask_of is not None:
            targets: Mapping[str, np.ndarray] = {target: mask_of(index)}
        else:
            targets = read_sample(dataset, index).targets
        if target not in targets:
            return None
        return targets[target] if mapping is None else mapping(targets)[target]

    return read


def _mask_of(dataset: Any) -> Callable[[int], np.ndarray] | None:
    """A dataset's method that reads a mask alone; None if it has none.

    Only the class is asked: wrappers pass on attributes of the dataset inside, whose masks have
    other classes.
    """
    if isinstance(dataset, Subset):
        whole, indices = _mask_of(dataset.dataset), dataset.indices
        return None if whole is None else lambda index: whole(int(indices[index]))
    return getattr(dataset, _MASK_OF) if hasattr(type(dataset), _MASK_OF) else None


def _counts(mask: np.ndarray, classes: int, dataset: Dataset, index: int) -> np.ndarray:
    """(C,) number of pixels of each class. Raises DataError for a value of no class."""
    counts = np.bincount(mask.ravel(), minlength=_IGNORE + 1)
    if counts[classes:_IGNORE].any():
        raise DataError(
            "A mask holds a value that is no class",
            expected=f"0 to {classes - 1}, or {_IGNORE} to ignore",
            received=f"values {np.flatnonzero(counts).tolist()}",
            where=f"{dataset_name(dataset)}, sample {sample_id(dataset, index)}",
        )
    return counts[:classes]
