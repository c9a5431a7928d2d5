"""What the detection metrics share: all boxes of a dataset, checked, and kept as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import DataError
from densefit.metrics.boxes import areas
from densefit.metrics.classes import class_names, same_classes
from densefit.metrics.metric import Metric
from densefit.metrics.state import entry
from densefit.metrics.table import Table

_PREDICTED = {
    "image": ((), np.int64),
    "boxes": ((4,), np.float64),
    "scores": ((), np.float64),
    "classes": ((), np.int64),
}
_TRUE = {
    "image": ((), np.int64),
    "boxes": ((4,), np.float64),
    "classes": ((), np.int64),
    "difficult": ((), np.bool_),
    "crowd": ((), np.bool_),
    "area": ((), np.float64),
}


class DetectionMetric(Metric):
    """Base of the metrics that need all boxes of the dataset before they can say anything.

    One prediction is {"boxes" (m, 4) xyxy in original pixels, "scores" (m,), "classes" (m,)};
    one target {"boxes" (n, 4), "classes" (n,)} and, where known, "difficult", "crowd" (n,) bool
    and "area" (n,) in square pixels (else the area of the box).

    Every row of `update` is one image. Images are put in the order of their ids (whole numbers by
    value, then the others by letters) before anything is computed: with equal scores in two
    images the order decides, and it must not depend on batches or on which part was merged first.

    Args:
        classes: the names in index order, or their number.
    """

    def __init__(self, classes: Sequence[str] | int) -> None:
        self.classes = class_names(classes)
        self.ids: list[str] = []
        self._predicted = Table(_PREDICTED)
        self._true = Table(_TRUE)

    def reset(self) -> None:
        self.ids = []
        self._predicted.clear()
        self._true.clear()

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(predictions) == len(targets) == len(ids):
            raise DataError(
                "Predictions, targets and ids are not equally many",
                expected=f"{len(ids)} of each",
                received=f"{len(predictions)} predictions, {len(targets)} targets",
            )
        for prediction, target, key in zip(predictions, targets, ids):
            found = _checked(prediction, ("scores",), len(self.classes), f"prediction of {key!r}")
            truth = _checked(target, (), len(self.classes), f"truth of {key!r}")
            image = len(self.ids)
            self.ids.append(str(key))
            if len(found["boxes"]):
                self._predicted.append(image=np.full(len(found["boxes"]), image), **found)
            if len(truth["boxes"]):
                self._true.append(image=np.full(len(truth["boxes"]), image), **truth)

    def predicted(self) -> dict[str, np.ndarray]:
        """All predicted boxes as columns, sorted by image (its place in the order of ids).

        "image" (m,), "boxes" (m, 4), "scores" (m,), "classes" (m,). Within an image the order is
        the order given.
        """
        return self._sorted(self._predicted)

    def true(self) -> dict[str, np.ndarray]:
        """All true boxes as columns, sorted by image.

        "image" (n,), "boxes" (n, 4), "classes" (n,), "difficult" (n,), "crowd" (n,), "area" (n,).
        """
        return self._sorted(self._true)

    def _sorted(self, table: Table) -> dict[str, np.ndarray]:
        columns = table.arrays()
        columns["image"] = image_places(self.ids)[columns["image"]]
        order = np.argsort(columns["image"], kind="stable")
        return {name: column[order] for name, column in columns.items()}

    def merge(self, other: Self) -> None:
        same_classes(self.classes, other.classes, self.name)
        before = len(self.ids)
        self.ids = self.ids + other.ids
        for mine, theirs in ((self._predicted, other._predicted), (self._true, other._true)):
            columns = theirs.arrays()
            columns["image"] = columns["image"] + before
            mine.append(**columns)

    def state_dict(self) -> dict[str, Any]:
        return {
            "ids": list(self.ids),
            "predicted": self._predicted.arrays(),
            "true": self._true.arrays(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        ids = entry(state, "ids", self.name)
        self._predicted.load(entry(state, "predicted", self.name), f"{self.name}/predicted")
        self._true.load(entry(state, "true", self.name), f"{self.name}/true")
        self.ids = [str(key) for key in ids]


def image_places(ids: Sequence[str]) -> np.ndarray:
    """The place of each image in the order of the ids, (n,) int64.

    Whole numbers go by value (as the COCO evaluation orders its image ids), before all others.

    >>> image_places(["10", "b", "9", "a"])
    array([1, 3, 0, 2])
    """

    def key(index: int) -> tuple[bool, int, str]:
        name = ids[index]
        return (False, int(name), name) if name.isdecimal() else (True, 0, name)

    places = np.empty(len(ids), np.int64)
    places[sorted(range(len(ids)), key=key)] = np.arange(len(ids))
    return places


def _checked(
    part: Mapping[str, Any], needed: tuple[str, ...], classes: int, where: str
) -> dict[str, np.ndarray]:
    """The columns of one image's boxes. Raises DataError saying what is wrong with them."""
    missing = [name for name in ("boxes", "classes", *needed) if name not in part]
    if missing:
        raise DataError(
            f"A {'prediction' if needed else 'truth'} lacks {', '.join(missing)}",
            received=f"keys {', '.join(part)}",
            where=where,
        )
    boxes = np.asarray(part["boxes"], np.float64)
    boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise DataError("Boxes are not (n, 4)", received=f"shape {boxes.shape}", where=where)
    count = len(boxes)
    columns = {"boxes": boxes}
    if needed:
        columns["scores"] = np.asarray(part["scores"], np.float64)
    else:
        area = part.get("area")
        for name in ("difficult", "crowd"):
            flag = part.get(name)
            columns[name] = np.zeros(count, bool) if flag is None else np.asarray(flag, bool)
        columns["area"] = areas(boxes) if area is None else np.asarray(area, np.float64)
    columns["classes"] = np.asarray(part["classes"])
    for name, column in columns.items():
        if name != "boxes" and column.shape != (count,):
            raise DataError(
                f"There is not one of {name} for each box",
                expected=f"shape ({count},)",
                received=f"shape {column.shape}",
                where=where,
            )
    if not count:
        return columns
    _check_values(columns, classes, where)
    return columns


def _check_values(columns: Mapping[str, np.ndarray], classes: int, where: str) -> None:
    boxes, labels = columns["boxes"], columns["classes"]
    for name in ("boxes", "scores", "area"):
        if name in columns and not np.isfinite(columns[name]).all():
            raise DataError(f"The {name} are not all finite numbers", where=where)
    turned = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if turned.any():
        raise DataError(
            "A box has its right edge left of its left one, or its bottom above its top",
            expected="x1, y1, x2, y2 in pixels",
            received=boxes[turned][0].tolist(),
            where=where,
            fix="are these boxes (x, y, width, height)? convert them",
        )
    outside = (labels < 0) | (labels >= classes) | (labels != np.floor(labels))
    if outside.any():
        raise DataError(
            "A box has no such class",
            expected=f"0 to {classes - 1}",
            received=labels[outside][0].item(),
            where=where,
        )
