"""Class weights of classification by the number of images of each class."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from densefit.data.annotated import targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.errors import DataError

_log = logging.getLogger("densefit")


def label_weights(dataset: Dataset, head: Any, on_error: str = "raise") -> np.ndarray:
    """Weight each class by the median number of images of a class over its own number.

    The image is not read where the dataset has `annotations_of`.

    Args:
        dataset: the training data; samples without the label do not count.
        head: classification head whose classes are weighted.
        on_error: "skip" leaves out samples that cannot be read.

    Returns:
        (C,) float64, in the order of the head's classes; 0 for a class without an image, which a
        warning names.

    Raises:
        DataError: no sample has a label; or, unless they are skipped, a sample cannot be read.
    """
    read = getattr(dataset, "annotations_of", None)
    counts = np.zeros(len(head.classes), np.int64)
    for index in range(len(dataset)):
        declared = targets_of(dataset, index)
        if declared is not None and head.target not in declared:
            continue
        try:
            targets = read_sample(dataset, index).targets if read is None else read(index)
            label = head.ground_truth(targets)
        except DataError:
            if on_error != "skip":
                raise
            continue
        if label is not None:
            counts[label] += 1
    has_images = counts > 0
    if not has_images.any():
        raise DataError(
            "No sample has a label",
            expected=f"labels of {', '.join(head.classes[:10])}",
            where=dataset_name(dataset),
            fix="leave class_weights out, and see whether the labels are read rightly",
        )
    if not has_images.all():
        _log.warning(
            "%s: no image of %s; the class weight is 0, so that the class is not learned",
            dataset_name(dataset),
            ", ".join(name for name, has in zip(head.classes, has_images) if not has),
        )
    weights = np.zeros(len(counts))
    weights[has_images] = np.median(counts[has_images]) / counts[has_images]
    return weights
