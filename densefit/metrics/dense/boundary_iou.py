"""Boundary IoU of class maps: the IoU of the pixels near the contours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import each_sample
from densefit.metrics.core.classes import check_void, class_names, mean_defined
from densefit.metrics.core.metric import metrics
from densefit.metrics.dense.confusion_count import check_classes, class_maps, confusion_matrix


def boundary_width(shape: Sequence[int], ratio: float = 0.02) -> int:
    """Width of a boundary in pixels, at least 1, for an image of (height, width).

    >>> boundary_width((1024, 2048))
    46
    """
    height, width = shape
    return max(1, round(ratio * math.sqrt(height**2 + width**2)))


def boundary(labels: np.ndarray, width: int) -> np.ndarray:
    """Mask the pixels within `width` of another class or of the image's edge.

    For each class these are the pixels that `width` erosions of its mask by a 3x3 square remove, if
    the outside of the image is not of the class; computed here for all classes at once.

    >>> boundary(np.uint8([[5, 5, 5, 5], [5, 5, 5, 5], [5, 5, 5, 5]]), 1).astype(int)
    array([[1, 1, 1, 1],
           [1, 0, 0, 1],
           [1, 1, 1, 1]])

    Args:
        labels: (H, W) uint8, uint16 or float32.
        width: in pixels, by the larger of the distances along the two axes.

    Returns:
        (H, W) bool.
    """
    square = np.ones((3, 3), np.uint8)
    # OpenCV leaves the outside of the image out of both, so the edge is set by hand.
    contour = (cv2.erode(labels, square) != cv2.dilate(labels, square)).astype(np.uint8)
    contour[[0, -1]] = contour[:, [0, -1]] = 1
    side = 2 * width - 1
    near = cv2.boxFilter(
        contour, cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    return near > 0


def boundary_counts(
    prediction: np.ndarray,
    target: np.ndarray,
    classes: int,
    ignore_label: int | None = 255,
    ratio: float = 0.02,
    where: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Count intersection and union of each class's boundaries, in pixels of one image.

    Args:
        prediction: (H, W) class indices.
        target: (H, W) class indices.
        classes: K, the number of classes.
        ignore_label: both maps become this label where the ground truth has it, before boundaries
            are taken: its regions end the classes beside them, and their pixels count nowhere.
        ratio: the boundary's width as a share of the image's diagonal.
        where: the sample's id, for errors.

    Returns:
        (intersection, union), each (K,) int64.

    Raises:
        DataError: the shapes differ or are not (H, W), or a pixel that counts has no class index.
    """
    check_void(ignore_label, classes)
    prediction, target = class_maps(prediction, target, where)
    if target.ndim != 2:
        raise DataError(
            "Boundaries need a map of classes",
            expected="shape (height, width)",
            received=f"shape {target.shape}",
            where=where if where is None else f"sample {where!r}",
        )
    void = np.zeros(target.shape, bool) if ignore_label is None else target == ignore_label
    check_classes(prediction, target, classes, where, void)
    if not target.size:
        return np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    width = boundary_width(target.shape, ratio)
    # A type that OpenCV erodes, with one value to spare.
    kind = np.uint8 if classes <= 255 else np.float32

    def near(labels: np.ndarray) -> np.ndarray:
        labels = labels.astype(kind, order="C")
        nothing = np.full_like(labels, classes)
        # Several times as fast as numpy's assignment where the mask is irregular.
        labels = cv2.copyTo(nothing, void.view(np.uint8), labels)
        return cv2.copyTo(labels, boundary(labels, width).view(np.uint8), nothing)

    matrix = confusion_matrix(near(prediction), near(target), classes + 1, None)
    hits = np.diag(matrix)
    return hits[:-1], (matrix.sum(axis=0) + matrix.sum(axis=1) - hits)[:-1]


@metrics.register("boundary_iou")
class BoundaryIoU(AdditiveMetric):
    """IoU of the classes' boundaries, over all pixels of the dataset.

    The boundary of a class are its pixels within a distance of its contour: 2% of the image's
    diagonal, at least one pixel. The edge of the image is a contour too. Intersections and unions
    are summed over the dataset; sizes may differ. Predictions and targets are class
    indices, one (H, W) for each sample, or one array (n, H, W).

    Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR
    2021; boundaries as in its package boundary_iou_api.

    Args:
        classes: names in index order, or their number.
        ignore_label: pixels with this true label count nowhere. They are removed from ground truth
            and prediction before boundaries are computed, so their edge is a contour.
        ratio: the boundary's width as a share of the image's diagonal.

    Attributes:
        intersection, union: (K,) int64, in pixels.
    """

    name = "boundary_iou"
    primary = "boundary_mIoU"
    intersection: np.ndarray
    union: np.ndarray

    def __init__(
        self, classes: Sequence[str] | int, ignore_label: int | None = 255, ratio: float = 0.02
    ) -> None:
        if not 0.0 < ratio <= 1.0:
            raise ConfigError(
                "ratio is no share of the image's diagonal",
                expected="0 < ratio <= 1",
                received=ratio,
            )
        self.classes = class_names(classes)
        check_void(ignore_label, len(self.classes))
        self.ignore_label = ignore_label
        self.ratio = ratio
        shape = (len(self.classes),)
        super().__init__({"intersection": (shape, int), "union": (shape, int)})

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        for prediction, target, key in each_sample(predictions, targets, ids):
            intersection, union = boundary_counts(
                np.asarray(prediction),
                np.asarray(target),
                len(self.classes),
                self.ignore_label,
                self.ratio,
                key,
            )
            self.intersection += intersection
            self.union += union

    def compute(self) -> dict[str, float]:
        values = np.full(len(self.classes), np.nan)
        np.divide(self.intersection, self.union, out=values, where=self.union > 0)
        numbers = {"boundary_mIoU": mean_defined(values)}
        for name, value in zip(self.classes, values):
            numbers[f"boundary_IoU/{name}"] = float(value)
        return numbers
