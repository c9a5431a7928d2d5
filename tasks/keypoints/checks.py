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
    targets, count = sample.targets, len(skeleton)
    points = targets["keypoints"]
    rows = [len(targets[name]) for name in ("boxes", "classes") if name in targets]
    if points.shape[1:] != (count, 3) or rows != [len(points)] * 2:
        raise DataError(
            "The keypoints of a sample do not fit the head, or its boxes and classes",
            expected=f"shape (n, {count}, 3) with n boxes and n classes",
            received={name: targets[name].shape for name in targets if len(targets[name].shape)},
            where=where,
            fix="make the head with the dataset's keypoint names",
        )
    order, flip = targets.get("keypoint_flip"), skeleton.flip
    if order is not None and flip is not None and not np.array_equal(order, flip):
        raise DataError(
            "Sample and head disagree which keypoints are swapped in a flipped image",
            expected=f"{flip.tolist()}, by the head's flip_pairs",
            received=np.asarray(order).tolist(),
            where=where,
            fix="set the same flip_pairs in both: the head's setting, and the dataset's attribute "
            "flip_pairs, pairs of its keypoint_names ([] for none)",
        )
