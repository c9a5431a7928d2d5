"""Base of detection metrics: check all objects of a dataset, and store them as columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.metrics.core.arrays import check_equally_many
from densefit.metrics.core.classes import class_names
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.state import entry
from densefit.metrics.detection.boxes import areas
from densefit.metrics.detection.image_ranks import image_ranks
from densefit.metrics.detection.object_columns import (
    PREDICTION,
    TRUTH,
    Columns,
    check_sides,
    check_values,
    column_of,
    drop_unknown_classes,
    join,
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


@dataclass(frozen=True)
class DetectionOutcomes:
    """True and false positives among the detections that a metric evaluates.

    Attributes:
        scores: (m,) float64.
        classes: (m,) int64.
        is_right, is_wrong: (m,) bool; neither for a match with an object that does not count.
    """

    scores: np.ndarray
    classes: np.ndarray
    is_right: np.ndarray
    is_wrong: np.ndarray


class DetectionMetric(Metric):
    """Base of the metrics that store all objects of the dataset before they compute.

    One prediction is {"boxes" (m, 4) xyxy in original pixels, "scores" (m,), "classes" (m,)};
    one target {"boxes" (n, 4), "classes" (n,)} and, where known, "difficult", "crowd" (n,) bool
    and "area" (n,) in square pixels (else the area of the box). "bbox"
    (x, y, width, height, as in COCO files) may replace "boxes".

    A target with "known_classes" (K,) bool does not annotate the other classes: detections of these
    are neither true nor false positives, and are left out.

    Every row of `update` is one image. Images are sorted by id (whole numbers by value, then other
    ids alphabetically) before numbers are computed: with equal scores in two images the order
    decides, and it must not depend on batches or on the order of merging.

    Metrics of other shapes than boxes declare their columns, and override `_shapes`.

    Args:
        classes: names in index order, or their number.
        predicted, true: columns of the objects' shapes: name -> (shape of a row, dtype).
    """

    object_name = "box"

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
        predicted = self._columns(predictions, ids, PREDICTION)
        truth = self._columns(targets, ids, TRUTH)
        self._check_pair(predicted, truth, ids)
        predicted = drop_unknown_classes(predicted, [part.get("known_classes") for part in targets])
        before = len(self.ids)
        for table, columns in ((self._predicted, predicted), (self._true, truth)):
            columns["image"] += before
            table.append(**columns)
        self.ids += [str(key) for key in ids]
        self._changed()

    def _columns(self, parts: Sequence[Any], ids: Sequence[str], side: str) -> Columns:
        """Check the columns of predictions or targets of images; "image" counts from 0."""
        names = [f"{side} of {key!r}" for key in ids]
        images = [self._rows(part, side, name) for part, name in zip(parts, names)]
        columns = join(images)
        check_values(columns, len(self.classes), self.object_name, names)
        self._check(columns, names)
        return columns

    def _rows(self, part: Any, side: str, where: str) -> Columns:
        """Read the columns of one prediction or target, of equal length."""
        names = ("classes", "scores") if side == PREDICTION else ("classes",)
        require(part, names, side, where)
        columns = self._shapes(part, side, where)
        count = len(next(iter(columns.values())))
        columns["classes"] = column_of(part, "classes", count, self.object_name, where)
        if "area" in columns and part.get("area") is not None:
            columns["area"] = column_of(part, "area", count, self.object_name, where, np.float64)
        if side == PREDICTION:
            columns["scores"] = column_of(
                part, "scores", count, self.object_name, where, np.float64
            )
            return columns
        for name in ("difficult", "crowd"):
            if part.get(name) is None:
                columns[name] = np.zeros(count, np.bool_)
            else:
                columns[name] = column_of(part, name, count, self.object_name, where, np.bool_)
        return columns

    def _shapes(self, part: Mapping[str, Any], side: str, where: str) -> Columns:
        """Read the shapes of one image's objects.

        Also their "area", of a target and where a metric needs it of predictions; an "area" that is
        given replaces it.
        """
        if "boxes" not in part and "bbox" in part:
            boxes = shaped(part["bbox"], (4,), "bbox", where).copy()
            boxes[:, 2:] += boxes[:, :2]
        else:
            require(part, ("boxes",), side, where)
            boxes = shaped(part["boxes"], (4,), "boxes", where)
        return {"boxes": boxes} if side == PREDICTION else {"boxes": boxes, "area": areas(boxes)}

    def _check(self, columns: Columns, names: Sequence[str]) -> None:
        """Raise DataError if a shape is invalid; `names` are the images in errors."""
        boxes = columns["boxes"]
        check_sides(boxes[:, 2:] - boxes[:, :2], columns, names)

    def _check_pair(self, predicted: Columns, truth: Columns, ids: Sequence[str]) -> None:
        """Raise DataError if a prediction and a target of one image do not fit."""

    def _changed(self) -> None:
        """Discard cached results; called when objects were added or removed."""

    @abstractmethod
    def outcomes(self) -> DetectionOutcomes:
        """Return true and false positives at the metric's (lowest) overlap, over all areas."""

    def predicted(self) -> dict[str, np.ndarray]:
        """Return all predicted objects as columns, sorted by image (its rank among the ids).

        "image" (m,), "boxes" (m, 4), "scores" (m,), "classes" (m,). Within an image the order is
        the order given. Do not change the arrays.
        """
        return self._sorted(self._predicted)

    def true(self) -> dict[str, np.ndarray]:
        """Return all true objects as columns, sorted by image.

        "image" (n,), "boxes" (n, 4), "classes" (n,), "difficult" (n,), "crowd" (n,), "area" (n,).
        Do not change the arrays.
        """
        return self._sorted(self._true)

    def undefined(self) -> str | None:
        """Say how many true objects there are, and how many of them do not count."""
        truth = self._true.arrays()
        total = len(truth["classes"])
        kinds = {name: int(truth[name].sum()) for name in ("crowd", "difficult") if name in truth}
        parts = [f"{count} of them {name}" for name, count in kinds.items() if count]
        return ", ".join([f"the data have {total} true objects", *parts])

    def _sorted(self, table: Table) -> dict[str, np.ndarray]:
        columns = table.arrays()
        images = image_ranks(self.ids)[columns["image"]]
        columns["classes"] = columns["classes"].astype(np.int64)
        if (images[1:] < images[:-1]).any():
            order = np.argsort(images, kind="stable")
            columns = {name: np.take(column, order, axis=0) for name, column in columns.items()}
            images = images[order]
        return {**columns, "image": images}

    def merge(self, other: Self) -> None:
        before = len(self.ids)
        self.ids = self.ids + other.ids
        for table, other_table in ((self._predicted, other._predicted), (self._true, other._true)):
            columns = other_table.arrays()
            columns["image"] = columns["image"] + before
            table.append(**columns)
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
