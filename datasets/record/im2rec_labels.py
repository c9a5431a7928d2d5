"""What the labels of im2rec's records mean: a class, or classes or objects of a picture."""

from __future__ import annotations

import logging

import numpy as np

from densefit.data.io.image_header import stated_size
from densefit.datasets.files.boxes import BoxCheck, box_fault, box_targets, clip_box
from densefit.errors import ConfigError, DataError
from densefit.once import collected_warnings, warn_once

from .recordio import RecordFile, split_header
from .survey_file import SurveyFile

logger = logging.getLogger(__name__)

HEADERS = ("auto", "label", "boxes", "labels")
UNITS = ("auto", "parts", "pixels")
# A box may reach out of its picture a little; one that ends beyond this part of it is in pixels.
_LARGEST_PART = 1.5
_THIN = 1e-4  # part of a picture; thinner ones may have no area in float32
_LARGEST = float("inf")
_MOST_CLASSES = 1_000_000  # data of faces have 360,000


class RecordLabels:
    """Reads the labels of all records once, without the pictures, to see what they are.

    Args:
        file: the records.
        header: what the labels are, see `Record`.
        units: of the boxes, see `Record`.
        check: what becomes of boxes without area.
        exif: pictures are turned as their EXIF orientation says.

    Attributes:
        count: how many classes occur.

    Raises:
        ConfigError: unknown settings.
        DataError: labels of several kinds, classes that are none, or boxes of unclear units.
    """

    def __init__(
        self, file: RecordFile, header: str, units: str, check: BoxCheck, exif: bool
    ) -> None:
        for name, value, allowed in (("header", header, HEADERS), ("units", units, UNITS)):
            if value not in allowed:
                raise ConfigError(
                    "Unknown kind of label" if name == "header" else "Unknown units of boxes",
                    expected=", ".join(allowed),
                    received=value,
                    where=f"{name} of Record",
                )
        self._file, self._kind, self._units, self._exif = file, header, units, exif
        self.count, self._length = 0, 0
        stored = SurveyFile(file.path, f"{header} {units} {check.policy} {exif}")
        state = stored.load()
        if state is None:
            with collected_warnings() as warnings:
                self._look_through(check)
            state = {"kind": self._kind, "units": self._units, "count": self.count}
            stored.store({**state, "check": check.state_dict(), "warnings": warnings})
        else:
            self._kind, self._units, self.count = state["kind"], state["units"], state["count"]
            check.load_state_dict(state["check"])
            for name, text in state["warnings"]:
                warn_once(logging.getLogger(name), "%s", text)

    def _look_through(self, check: BoxCheck) -> None:
        """Read all labels, and note the boxes that cannot be used."""
        suspects = self._survey()
        if not self.count:
            raise DataError("There is no label in the records", where=self._file.path)
        if self._kind == "boxes":
            for number in range(len(self._file)) if self._units == "pixels" else suspects:
                self._check_boxes(number, check)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the targets of every record."""
        if self._kind == "boxes":
            return ("boxes", "classes", "difficult", "crowd", "area")
        return (self._kind,)

    def targets(
        self, labels: float | np.ndarray, size: tuple[int, int], where: str
    ) -> dict[str, np.ndarray]:
        """The targets of a record.

        Args:
            labels: of it.
            size: (height, width) of its picture.
            where: it is, for an error.
        """
        if self._kind == "label":
            return {"label": np.array(_class_of(_single(labels, where), where), np.int64)}
        if self._kind == "labels":
            return {"labels": np.ravel(labels).astype(np.int64)}
        rows = [(row, self._box(row, size)) for row in _objects(labels, where) if row[0] >= 0]
        usable = [(row, clip_box(box, *size)) for row, box in rows if not box_fault(box, size)]
        return box_targets(
            [box for _, box in usable],
            [int(row[0]) for row, _ in usable],
            [len(row) > 5 and bool(row[5] > 0) for row, _ in usable],
            [False] * len(usable),
            [(x2 - x1) * (y2 - y1) for _, (x1, y1, x2, y2) in usable],
        )

    def _survey(self) -> list[int]:
        """Find kind, units and number of classes; the records whose boxes must be looked at."""
        suspects: list[int] = []
        first: dict[str, str] = {}  # units -> the first record with a box that is in them
        for number in range(len(self._file)):
            labels, where = self._file.labels(number), self._file.where(number)
            if self._kind == "auto":
                self._kind = "label" if np.size(labels) == 1 else "boxes"
            if self._kind == "label":
                self.count = max(self.count, _class_of(_single(labels, where), where) + 1)
            elif self._kind == "labels":
                self._check_labels(np.ravel(labels), where)
            else:
                rows = _objects(labels, where)
                self.count = max(self.count, _largest_class(rows[:, 0], where) + 1)
                if _sort_units(rows[rows[:, 0] >= 0, 1:5], where, first):
                    suspects.append(number)
        if self._units == "auto":
            self._units = self._units_of(first)
        return suspects

    def _units_of(self, first: dict[str, str]) -> str:
        """The units that all boxes are in. Raises DataError if that is not clear."""
        if len(first) == 2:
            raise DataError(
                "Boxes are in parts of the picture's size and in pixels, or some are wrong",
                expected=f"all coordinates up to {_LARGEST_PART}, or boxes that all end beyond it",
                received=f"parts: {first['parts']}; pixels: {first['pixels']}",
                where=self._file.path,
                fix='units="parts" or units="pixels" reads all of them so; boxes without area in '
                "their picture are then left out and counted",
            )
        if "pixels" in first:
            warn_once(
                logger,
                "%s: all boxes end beyond %s of the picture's size, and are read as pixels; "
                'units="pixels" or "parts" says what they are',
                self._file.path,
                _LARGEST_PART,
            )
        return next(iter(first), "parts")

    def _check_labels(self, values: np.ndarray, where: str) -> None:
        """Raise DataError unless there is one of -1, 0 and 1 a class, as in the first record."""
        self.count = self.count or len(values)
        if len(values) != self.count or not np.isin(values, (-1, 0, 1)).all():
            raise DataError(
                "The labels of a record are not one a class",
                expected=f"{self.count} numbers: 1 shown, 0 not shown, -1 unknown",
                received=values[:8].tolist(),
                where=where,
            )

    def _check_boxes(self, number: int, check: BoxCheck) -> None:
        """Note the boxes of a record that have no area in its picture."""
        where = self._file.where(number)
        labels, picture = split_header(self._file.read(number), where)
        size = stated_size(bytes(picture), self._exif)
        if size is None:  # it will not be decoded either
            return
        for row in _objects(labels, where):
            if row[0] < 0:
                continue
            box = self._box(row, size)
            why = box_fault(box, size)
            if why:
                check.reject(why, row[1:5].tolist(), where)
            else:
                check.note_cut(box, clip_box(box, *size), size, where)

    def _box(self, row: np.ndarray, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """The xyxy box of an object in pixels, as the file has it."""
        height, width = size
        x1, y1, x2, y2 = row[1:5].tolist()
        if self._units == "parts":
            return x1 * width, y1 * height, x2 * width, y2 * height
        return x1, y1, x2, y2


def _sort_units(boxes: np.ndarray, where: str, first: dict[str, str]) -> bool:
    """Note in which units the boxes of a record are; whether one may be bad or cut, in parts."""
    suspect = False
    for x1, y1, x2, y2 in boxes.tolist():
        sound = -_LARGEST < x1 < x2 < _LARGEST and -_LARGEST < y1 < y2 < _LARGEST
        if sound:
            units = "pixels" if max(x2, y2) > _LARGEST_PART else "parts"
            if units not in first:
                first[units] = f"{[x1, y1, x2, y2]} of {where}"
        inside = x1 < 1 and y1 < 1 and x2 > 0 and y2 > 0
        left = (min(x2, 1) - max(x1, 0)) * (min(y2, 1) - max(y1, 0))
        most = 2 * left >= (x2 - x1) * (y2 - y1)
        if not (sound and inside and most and x2 - x1 > _THIN and y2 - y1 > _THIN):
            suspect = True
    return suspect


def _single(labels: float | np.ndarray, where: str) -> float:
    """The one number of a record. Raises DataError if there are several."""
    if np.size(labels) != 1:
        raise DataError(
            "A record has several labels, where others have the class of the picture",
            expected="one number in each record",
            received=np.ravel(labels)[:8].tolist(),
            where=where,
            fix='header="boxes" or "labels" if all records have several; else pack them apart',
        )
    return float(np.ravel(labels)[0])


def _class_of(value: float, where: str, lowest: int = 0) -> int:
    """The class that a label names; -1 is none, where that is allowed."""
    if not lowest <= value < _MOST_CLASSES or value != np.floor(value):  # also catches nan
        raise DataError(
            "The label of a record is no class",
            expected=f"a whole number, {lowest} or more"
            + (" (-1 is no object)" if lowest < 0 else ""),
            received=float(value),
            where=where,
            fix="are these numbers to be regressed? A dataset of your own can read them",
        )
    return int(value)


def _largest_class(values: np.ndarray, where: str) -> int:
    """The largest of the classes that a record's objects have; -1 is none."""
    largest = -1.0
    for value in values.tolist():
        if not -1 <= value < _MOST_CLASSES or value % 1:
            _class_of(value, where, lowest=-1)
        largest = max(largest, value)
    return int(largest)


def _objects(labels: float | np.ndarray, where: str) -> np.ndarray:
    """(n, length of an object) of a detection label."""
    values = np.ravel(labels)
    head, each = _lengths(values)
    if head < 2 or each < 5 or len(values) < head or (len(values) - head) % each:
        raise DataError(
            "The label of a record is not one of objects",
            expected="length of the head (2 or more), length of an object (5 or more), objects",
            received=values[:8].tolist(),
            where=where,
            fix='header="label" or "labels" if all records have classes of the whole picture; '
            "records of both kinds must be packed apart",
        )
    return values[head:].reshape(-1, each)


def _lengths(values: np.ndarray) -> tuple[int, int]:
    """Lengths of the head and of an object, 0 where they are no whole numbers."""
    head, each = values[:2].tolist() if len(values) > 1 else (0.0, 0.0)
    return (int(head), int(each)) if head.is_integer() and each.is_integer() else (0, 0)
