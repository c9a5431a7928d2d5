"""Training targets of one image: heat maps of centres and joints, offsets, masks. Numpy only.

Zhou et al., "Objects as Points", arXiv:1904.07850, sections 3, 4 and 4.2. Runs in the loader's
workers. Cell (i, j) of a map at stride s covers the pixels [s j, s (j + 1)) x [s i, s (i + 1)).
"""

from __future__ import annotations

import math

import numpy as np

MIN_OVERLAP = 0.7


def gaussian_radius(height: float, width: float, overlap: float = MIN_OVERLAP) -> float:
    """Largest distance by which both corners of a box may move, keeping an IoU of `overlap`.

    Law & Deng, "CornerNet", ECCV 2018, section 3.2. The smallest of three cases: both corners
    move out, both in, or both to the same side. (The authors' code divides by 2 where the
    quadratic formula has 2 a; here are the roots themselves.)

    >>> round(gaussian_radius(20, 20), 3)
    1.633

    Args:
        height: height of the box, at least 0, in any unit.
        width: width of the box, in the same unit.
        overlap: lowest IoU, within (0, 1).
    """
    area, half = height * width, (height + width) / 2
    # (h - 2 r) (w - 2 r) = o h w, area / ((h + 2 r) (w + 2 r)) = o, and for the shift
    # (h - r) (w - r) = o (2 h w - (h - r) (w - r)).
    inward = _root(4.0, -4.0 * half, (1 - overlap) * area)
    outward = (-half + math.sqrt(half * half + area * (1 / overlap - 1))) / 2
    shifted = _root(1.0, -2.0 * half, area * (1 - overlap) / (1 + overlap))
    return max(0.0, min(inward, outward, shifted))


def _root(a: float, b: float, c: float) -> float:
    """The smaller root of a r^2 + b r + c."""
    return (-b - math.sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a)


def add_gaussian(heat: np.ndarray, cell: tuple[int, int], radius: int) -> None:
    """Draw a Gaussian around `cell` (row, column), where it is 1, into `heat` (h, w) in place.

    It is cut off at `radius` cells; its standard deviation is a sixth of its diameter.
    """
    row, column = cell
    top, bottom = max(0, row - radius), min(heat.shape[0], row + radius + 1)
    left, right = max(0, column - radius), min(heat.shape[1], column + radius + 1)
    sigma = (2 * radius + 1) / 6
    down = np.exp(-((np.arange(top, bottom) - row) ** 2) / (2 * sigma**2))
    across = np.exp(-((np.arange(left, right) - column) ** 2) / (2 * sigma**2))
    window = heat[top:bottom, left:right]
    np.maximum(window, np.outer(down, across), out=window, casting="same_kind")


def empty_targets(
    size: tuple[int, int], classes: int, keypoints: int, objects: int
) -> dict[str, np.ndarray]:
    """Targets of an image without objects, all ignored; see `targets`."""
    return {
        "centre": np.zeros((classes, *size), np.float32),
        "joint": np.zeros((keypoints, *size), np.float32),
        "mask": np.zeros(size, np.float32),
        "joint_mask": np.zeros(size, np.float32),
        "cell": np.full(objects, -1, np.float32),
        "box": np.zeros((objects, 4), np.float32),
        "place": np.zeros((objects, keypoints, 3), np.float32),
    }


def targets(
    boxes: np.ndarray,
    labels: np.ndarray,
    points: np.ndarray,
    crowd: np.ndarray,
    size: tuple[int, int],
    stride: int,
    classes: int,
    limit: int,
    annotated: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Training targets of one image.

    Objects without labelled keypoints, and crowds, are neither learned nor background: the pixels
    of their boxes are ignored, as in the COCO evaluation.

    All classes share the heat maps of joints. Where an image may show objects of a class that is
    not annotated, pixels without a joint are background only inside the boxes of annotated
    objects; elsewhere they are ignored.

    Args:
        boxes: (n, 4) xyxy in input pixels.
        labels: (n,) class indices.
        points: (n, K, 3) x, y in input pixels, and visibility.
        crowd: (n,) bool.
        size: (h, w) of the map.
        stride: stride of the map.
        classes: number of classes.
        limit: maximum number of objects whose boxes and keypoints are learned, the largest first.
            Heat maps have all objects.
        annotated: (classes,) bool, classes that are annotated; None: all.

    Returns:
        `centre` (classes, h, w): Gaussians at the centres of boxes. `joint` (K, h, w): at labelled
        keypoints. `mask` and `joint_mask` (h, w): 0 where the background of `centre` and of `joint`
        is ignored, else 1. `cell` (limit,): flat index of each object's centre cell, -1 for none.
        `box` (limit, 4): dx, dy from that cell's corner to the centre, and width, height. `place`
        (limit, K, 3): dx, dy from that corner to each keypoint, and 1 if it is labelled. All in
        cells, all float32.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4) / stride
    points = np.asarray(points, np.float64)
    arrays = empty_targets(size, classes, points.shape[1], limit)
    arrays["mask"][:] = 1.0
    solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    learned = solid & (points[..., 2] > 0).any(axis=1) & ~np.asarray(crowd, bool)
    arrays["joint_mask"][:] = annotated is None or np.all(annotated)
    for box in boxes[learned]:
        arrays["joint_mask"][_covered(box)] = 1.0
    for box in boxes[~learned]:
        arrays["mask"][_covered(box)] = arrays["joint_mask"][_covered(box)] = 0.0
    sides = boxes[:, 2:] - boxes[:, :2]
    order = np.flatnonzero(learned)
    order = order[np.argsort(-sides[order].prod(axis=1), kind="stable")]
    for row, index in enumerate(order):
        radius = int(gaussian_radius(sides[index, 1], sides[index, 0]))
        centre = (boxes[index, :2] + boxes[index, 2:]) / 2
        centre_cell = _cell(centre, size)
        add_gaussian(arrays["centre"][labels[index]], centre_cell, radius)
        labelled = points[index, :, 2] > 0
        positions = points[index, :, :2] / stride
        for joint in np.flatnonzero(labelled):
            add_gaussian(arrays["joint"][joint], _cell(positions[joint], size), radius)
        if row < limit:
            start = np.array(centre_cell[::-1], np.float64)
            arrays["cell"][row] = centre_cell[0] * size[1] + centre_cell[1]
            arrays["box"][row] = [*(centre - start), *sides[index]]
            arrays["place"][row, :, :2] = np.where(labelled[:, None], positions - start, 0.0)
            arrays["place"][row, :, 2] = labelled
    return arrays


def _covered(box: np.ndarray) -> tuple[slice, slice]:
    """The cells that a box touches."""
    left, top, right, bottom = np.maximum(box, 0)
    return slice(math.floor(top), math.ceil(bottom)), slice(math.floor(left), math.ceil(right))


def _cell(point: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """(row, column) of the cell that contains the point (x, y); the last cell at the far edge."""
    x, y = point
    return min(max(int(y), 0), size[0] - 1), min(max(int(x), 0), size[1] - 1)
