"""Targets of a sample out of the table of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import box_targets
from densefit.errors import ConfigError

from .object_table import ObjectTable

Objects = Sequence[Mapping[str, Any]]


def check_targets(boxes: bool, masks: bool, instances: bool, labels: bool, where: str) -> None:
    """Raise ConfigError if no targets are selected, or such as need others."""
    if not (boxes or masks or labels):
        expected = "boxes, masks or labels"
        raise ConfigError("No targets are selected", expected=expected, where=where)
    if instances and not boxes:
        received = "instances=True, boxes=False"
        raise ConfigError("Instances belong to boxes", received=received, where=where)


def stated_size(table: ObjectTable, index: int) -> tuple[int, int] | None:
    """(height, width) of an image as its annotation states it; None if it does not."""
    height, width = table.sizes[index].tolist()
    return (height, width) if height and width else None


def box_annotations(
    table: ObjectTable, index: int, size: tuple[int, int] | None
) -> dict[str, np.ndarray]:
    """Targets of an image's objects, without the image.

    Args:
        table: of the dataset.
        index: of the image.
        size: (height, width) of the image; without it, relative boxes are left out.
    """
    rows = table.objects_of(index)
    targets = {
        "classes": table.labels[rows].astype(np.int64),
        "difficult": table.difficult[rows],
        "crowd": table.crowd[rows],
    }
    boxes, areas = table.boxes[rows], table.areas[rows]
    if table.is_relative[index]:
        if size is None:
            return targets
        boxes, areas = boxes * [size[1], size[0], size[1], size[0]], areas * (size[0] * size[1])
    return {**targets, "boxes": boxes.astype(np.float32), "area": areas.astype(np.float32)}


class DrawnObjects:
    """Objects of an image in its pixels.

    Args:
        table: of the dataset.
        index: of the image.
        size: (height, width) of the image.

    Attributes:
        labels: class index of each object.
        difficult: whether each is.
        numbers: of each in its annotation file, from 1, or counted, where the table has none.
    """

    def __init__(self, table: ObjectTable, index: int, size: tuple[int, int]) -> None:
        self._table, self._size = table, size
        self._rows = rows = table.objects_of(index)
        self._is_relative = bool(table.is_relative[index])
        self._boxes, self._areas = table.boxes[rows], table.areas[rows]
        if self._is_relative:
            height, width = size
            self._boxes = self._boxes * [width, height, width, height]
            self._areas = self._areas * (height * width)
        self.labels: list[int] = table.labels[rows].tolist()
        self.difficult: list[bool] = table.difficult[rows].tolist()
        self.numbers = np.arange(1, len(self.labels) + 1)
        if table.numbers is not None:
            self.numbers = table.numbers[rows]
        self._crowd: list[bool] = table.crowd[rows].tolist()

    def boxes(self) -> dict[str, np.ndarray]:
        """The five box targets."""
        boxes, areas = self._boxes.tolist(), self._areas.tolist()
        return box_targets(boxes, self.labels, self.difficult, self._crowd, areas)

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """Class, crowd, area and segmentation of each object, to be painted."""
        segmentations: list[Any] = []
        if self._table.segmentations is not None:
            segmentations = self._table.segmentations.of_rows(self._rows)
        if self._is_relative:
            segmentations = [_to_pixels(polygons, self._size) for polygons in segmentations]
        return [
            {"class": label, "crowd": is_crowd, "area": area, "segmentation": segmentation}
            for label, is_crowd, area, segmentation in zip(
                self.labels, self._crowd, self._areas.tolist(), segmentations
            )
        ]

    def keypoints(self, keypoints: np.ndarray) -> np.ndarray:
        """(N, K, 3) x, y and visibility of the objects, out of those of the table."""
        points = keypoints[self._rows].copy()
        if self._is_relative:
            points[..., :2] *= np.array(self._size[::-1], np.float32)
        return points


def _to_pixels(polygons: Any, size: tuple[int, int]) -> Any:
    """Polygons in parts of the image as polygons in pixels."""
    scale = (size[1], size[0])
    if not isinstance(polygons, list):
        return polygons
    return [[value * scale[i % 2] for i, value in enumerate(polygon)] for polygon in polygons]
