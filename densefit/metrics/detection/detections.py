"""What the detection metrics share: all objects of a dataset, checked, and kept as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.metrics.core.arrays import check_equally_many
from densefit.metrics.core.classes import class_names
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.state import entry
from densefit.metrics.detection.boxes import areas
from densefit.metrics.detection.object_columns import (
    PREDICTION,
    TRUTH,
    Columns,
    check_sides,
    check_values,
    join,
    of_known,
    one_each,
    require,
    shaped,
)
from densefit.metrics.detection.table import Table

Kinds = Mapping[str, tuple[tuple[int, ...], Any]]

_OF_BOXES: Kinds = {"boxes": ((4,), np.float64)}
_ALWAYS: Kinds = {"image": ((), np.int32), "classes": ((), np.int32)}
_PREDICTED: Kinds = {**_ALWAYS, "scores": ((), np.float64)}
_TRUE: Kinds = {
    **_ALWAYS,
    "difficult": ((), np.bool_),
    "crowd": ((), np.bool_),
    "area": ((), np.float64),
}


class DetectionMetric(Metric):
    """Base of the metrics that need all objects of the dataset before they can say anything.

    One prediction is {"boxes" (m, 4) xyxy in original pixels, "scores" (m,), "classes" (m,)};
    one target {"boxes" (n, 4), "classes" (n,)} and, where known, "difficult", "crowd" (n,) bool
    and "area" (n,) in square pixels (else the area of the box). In place of "boxes" there may be
    "bbox": x, y, width, height, as COCO files have it.

    Where a target has "known_classes" (K,) bool, nobody looked for objects of the other classes in
    that image: detections of these are neither right nor wrong, and left out.

    Every row of `update` is one image. Images are put in the order of their ids (whole numbers by
    value, then the others by letters) before anything is computed: with equal scores in two
    images the order decides, and it must not depend on batches or on which part was merged first.

    Metrics of other shapes than boxes say what their columns are, and override `_shapes`.

    Args:
        classes: the names in index order, or their number.
        predicted, true: the columns that say where objects are: name -> (shape of a row, dtype).
    """

    thing = "box"

    def __init__(
        self,
        classes: Sequence[str] | int,
        predicted: Kinds = _OF_BOXES,
        true: Kinds = _OF_BOXES,
    ) -> None:
        self.classes = class_names(classes)
        self.ids: list[str] = []
        self._predicted = Table({**_PREDICTED, **predicted})
        self._true = Table({**_TRUE, **true})

    def reset(self) -> None:
        self.ids = []
        self._predicted.clear()
        self._true.clear()
        self._changed()

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        check_equally_many(predictions, targets, ids)
        if not len(ids):
            return
        found = self._columns(predictions, ids, PREDICTION)
        truth = self._columns(targets, ids, TRUTH)
        self._check_pair(found, truth, ids)
        found = of_known(found, [part.get("known_classes") for part in targets])
        before = len(self.ids)
        for table, columns in ((self._predicted, found), (self._true, truth)):
            columns["image"] += before
            table.append(**columns)
        self.ids += [str(key) for key in ids]
        self._changed()

    def _columns(self, parts: Sequence[Any], ids: Sequence[str], side: str) -> Columns:
        """The checked columns of one side of some images; "image" counts from 0."""
        places = [f"{side} of {key!r}" for key in ids]
        images = [self._rows(part, side, place) for part, place in zip(parts, places)]
        columns = join(images)
        check_values(columns, len(self.classes), self.thing, places)
        self._check(columns, places)
        return columns

    def _rows(self, part: Any, side: str, where: str) -> Columns:
        """The columns of one side of one image, of equal length."""
        names = ("classes", "scores") if side == PREDICTION else ("classes",)
        require(part, names, side, where)
        columns = self._shapes(part, side, where)
        count = len(next(iter(columns.values())))
        columns["classes"] = one_each(part, "classes", count, self.thing, where)
        if "area" in columns and part.get("area") is not None:
            columns["area"] = one_each(part, "area", count, self.thing, where, np.float64)
        if side == PREDICTION:
            columns["scores"] = one_each(part, "scores", count, self.thing, where, np.float64)
            return columns
        for name in ("difficult", "crowd"):
            if part.get(name) is None:
                columns[name] = np.zeros(count, np.bool_)
            else:
                columns[name] = one_each(part, name, count, self.thing, where, np.bool_)
        return columns

    def _shapes(self, part: Mapping[str, Any], side: str, where: str) -> Columns:
        """The columns that say where one image's objects are.

        Also their "area", of a truth and where a metric wants that of predictions: it gives way
        to the one that is given.
        """
        if "boxes" not in part and "bbox" in part:
            boxes = shaped(part["bbox"], (4,), "bbox", where).copy()
            boxes[:, 2:] += boxes[:, :2]
        else:
            require(part, ("boxes",), side, where)
            boxes = shaped(part["boxes"], (4,), "boxes", where)
        return {"boxes": boxes} if side == PREDICTION else {"boxes": boxes, "area": areas(boxes)}

    def _check(self, columns: Columns, places: Sequence[str]) -> None:
        """Raise DataError if a shape is none. `places` says what to call each image."""
        boxes = columns["boxes"]
        check_sides(boxes[:, 2:] - boxes[:, :2], columns, places)

    def _check_pair(self, found: Columns, truth: Columns, ids: Sequence[str]) -> None:
        """Raise DataError if the two sides of an image do not go together."""

    def _changed(self) -> None:
        """Called when anything has been stored or forgotten."""

    def predicted(self) -> dict[str, np.ndarray]:
        """All predicted objects as columns, sorted by image (its place in the order of ids).

        "image" (m,), "boxes" (m, 4), "scores" (m,), "classes" (m,). Within an image the order is
        the order given. The arrays are not to be changed.
        """
        return self._sorted(self._predicted)

    def true(self) -> dict[str, np.ndarray]:
        """All true objects as columns, sorted by image.

        "image" (n,), "boxes" (n, 4), "classes" (n,), "difficult" (n,), "crowd" (n,), "area" (n,).
        The arrays are not to be changed.
        """
        return self._sorted(self._true)

    def undefined(self) -> str | None:
        """How many true objects there are, and of which kinds that do not count."""
        truth = self._true.arrays()
        total = len(truth["classes"])
        kinds = {name: int(truth[name].sum()) for name in ("crowd", "difficult") if name in truth}
        told = [f"{count} of them {name}" for name, count in kinds.items() if count]
        return f"{', '.join([f'the data have {total} true objects', *told])}"

    def _sorted(self, table: Table) -> dict[str, np.ndarray]:
        columns = table.arrays()
        images = image_places(self.ids)[columns["image"]]
        columns["classes"] = columns["classes"].astype(np.int64)
        if (images[1:] < images[:-1]).any():
            order = np.argsort(images, kind="stable")
            columns = {name: np.take(column, order, axis=0) for name, column in columns.items()}
            images = images[order]
        return {**columns, "image": images}

    def merge(self, other: Self) -> None:
        before = len(self.ids)
        self.ids = self.ids + other.ids
        for mine, theirs in ((self._predicted, other._predicted), (self._true, other._true)):
            columns = theirs.arrays()
            columns["image"] = columns["image"] + before
            mine.append(**columns)
        self._changed()

    def state_dict(self) -> dict[str, Any]:
        return {
            "ids": list(self.ids),
            "predicted": self._predicted.state(),
            "true": self._true.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        ids = entry(state, "ids", self.name)
        self._predicted.load(entry(state, "predicted", self.name), f"{self.name}/predicted")
        self._true.load(entry(state, "true", self.name), f"{self.name}/true")
        self.ids = [str(key) for key in ids]
        self._changed()


def image_places(ids: Sequence[str]) -> np.ndarray:
    """The place of each image in the order of the ids, (n,) int64.

    Whole numbers, also below 0, go by value (as the COCO evaluation orders its image ids), before
    all others.

    >>> image_places(["10", "b", "9", "a", "-1"])
    array([2, 4, 1, 3, 0])
    """

    def key(index: int) -> tuple[bool, int, str]:
        name = ids[index]
        digits = name[1:] if name.startswith("-") else name
        return (False, int(name), name) if digits.isdecimal() else (True, 0, name)

    places = np.empty(len(ids), np.int64)
    places[sorted(range(len(ids)), key=key)] = np.arange(len(ids))
    return places
