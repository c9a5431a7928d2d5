"""A file of an annotation tool, and its objects by another reader."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

import numpy as np
from fuzz.kind import SIZE, Kind, unlike
from pycocotools import mask as coco_mask

HEIGHT, WIDTH = SIZE
MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]], np.uint8)
TRIANGLE = [[3.0, 2.5], [20.0, 2.5], [3.0, 15.25]]
#: Class, box, and mask where another reader has one.
Expected = tuple[str, list[float], "np.ndarray | None"]


class NotComparedError(Exception):
    """The other reader does not read the file, or not by the same rules."""


def require(is_so: bool) -> None:
    if not is_so:
        raise NotComparedError


def compared(dataset: Any, sample: Any, objects: list[Expected]) -> str:
    """Where a sample differs from objects that lie in the picture."""
    for _, (x1, y1, x2, y2), _ in objects:
        require(0 <= x1 < x2 - 1 and 0 <= y1 < y2 - 1 and x2 <= WIDTH and y2 <= HEIGHT)
    targets = sample.targets
    names = [dataset.classes[i] for i in targets["classes"]]
    boxes = np.array([box for _, box, _ in objects], np.float32).reshape(-1, 4)
    said = unlike("classes", names, [name for name, _, _ in objects])
    said = said or unlike("boxes", targets["boxes"], boxes, 1e-3)
    for mask, (_, _, expected) in zip(targets["instance_masks"], objects):
        if expected is not None and not said:
            said = unlike("mask", coco_mask.decode(mask), expected.astype(np.uint8))
    return said


def number_of(value: Any) -> float:
    require(isinstance(value, (int, float)) and not isinstance(value, bool))
    require(abs(value) <= 1e4)
    return float(value)


def text_of(value: Any) -> str:
    require(isinstance(value, str) and bool(value) and value == value.strip())
    return str(value)


def painted(polygons: list[list[float]]) -> np.ndarray:
    require(all(len(polygon) >= 6 for polygon in polygons))
    return np.asarray(
        coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, HEIGHT, WIDTH)))
    )


def around(polygon: list[float]) -> list[float]:
    return [min(polygon[::2]), min(polygon[1::2]), max(polygon[::2]), max(polygon[1::2])]


def placed(mask: np.ndarray, left: int, top: int) -> tuple[list[float], np.ndarray]:
    """The box around a mask, and the mask in its picture."""
    whole = np.zeros(SIZE, np.uint8)
    height, width = mask.shape
    require(0 <= left <= WIDTH - width and 0 <= top <= HEIGHT - height and bool(mask.any()))
    whole[top : top + height, left : left + width] = mask > 0
    rows, columns = np.nonzero(whole)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return [float(value) for value in box], whole


class ToolFile(Kind):
    """Compares the sample "a"."""

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            objects = self.objects(data)
            (sample,) = [sample for sample in samples.values() if sample.id == self.sample]
            return compared(dataset, sample, objects)
        except (
            *(NotComparedError, ElementTree.ParseError, ValueError, TypeError),
            *(LookupError, AttributeError, OverflowError, RecursionError, SyntaxError, OSError),
        ):
            return None

    sample = "a"

    def objects(self, data: bytes) -> list[Expected]:
        """What the sample has, by another reader."""
        raise NotImplementedError
