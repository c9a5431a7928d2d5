"""Check that a sample's keypoints fit a keypoint head."""

from __future__ import annotations

import numpy as np

from densefit.data.sample import Sample
from densefit.errors import DataError

from .skeleton import Skeleton


def check_sample(sample: Sample, skeleton: Skeleton, where: str) -> None:
    """Raise DataError unless a sample has the head's keypoints, one set for each box and class.

    Args:
        sample: a sample with the target `keypoints`.
        skeleton: the head's skeleton.
        where: sample and head, for error messages.

    Raises:
        DataError: another number of keypoints, or other flip pairs.
    """
    given, count = sample.targets, len(skeleton)
    points = given["keypoints"]
    rows = [len(given[name]) for name in ("boxes", "classes") if name in given]
    if points.shape[1:] != (count, 3) or rows != [len(points)] * 2:
        raise DataError(
            "The keypoints of a sample do not fit the head, or its boxes and classes",
            expected=f"shape (n, {count}, 3) with n boxes and n classes",
            received={name: given[name].shape for name in given if len(given[name].shape)},
            where=where,
            fix="make the head with the dataset's keypoint names",
        )
    order, flip = given.get("keypoint_flip"), skeleton.flip
    if order is not None and flip is not None and not np.array_equal(order, flip):
        raise DataError(
            "Sample and head disagree which keypoints are swapped in a flipped image",
            expected=f"{flip.tolist()}, by the head's flip_pairs",
            received=np.asarray(order).tolist(),
            where=where,
            fix="say the same to both: flip_pairs of the head, and an attribute flip_pairs of the "
            "dataset, pairs of its keypoint_names ([] if none change)",
        )
