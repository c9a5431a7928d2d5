"""Pictures and targets in one file of records: those of `tools/pack.py`, and of MXNet's im2rec."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np

from densefit.data.image import decode_image
from densefit.data.payload import from_bytes, whole
from densefit.data.sample import Sample, datasets
from densefit.data.shown import unusual
from densefit.errors import ConfigError, DataError

from .boxes import box_targets, clip_box
from .names import Names, class_names
from .record_file import RecordFile, split_header

#: Behind the payload of a record: its length, the crc32 of all before the crc, and the format.
LENGTH, CRC, FORMAT = struct.Struct("<Q"), struct.Struct("<I"), b"denfit01"
_TAIL = LENGTH.size + CRC.size + len(FORMAT)
HEADERS = ("auto", "label", "boxes", "labels")


@datasets.register("record")
class Record:
    """`<root>/<split>.rec`, with `<split>.idx` and, of `tools/pack.py`, `<split>.json` beside it.

    With the `.json` file, samples are what they were in the dataset that was packed, to the last
    bit. Without it the records are those of im2rec: a number is the picture's class; several are
    its objects (length of the head, length of an object, rest of the head, then of each object
    class, xmin, ymin, xmax, ymax in parts of the picture's size, perhaps difficult).

    Args:
        root: the folder.
        split: name of the files.
        classes: of records by im2rec: class names, a list or a file with one a line. None:
            `<root>/classes.txt`, or, if there is none, the numbers that occur.
        header: of records by im2rec, what several labels are: boxes, or labels (1 for each class
            that the picture shows). auto: label or boxes, as the first record looks.
        exif: of records by im2rec: turn pictures as their EXIF orientation says.

    Attributes:
        classes: the names; with the `.json` file also `mask_classes` and whatever else the packed
            dataset knew.

    Raises:
        ConfigError: unknown `header`.
        DataError: a file is missing, or they do not belong together. A damaged record raises when
            it is read.
    """

    classes: list[str]

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        classes: Names = None,
        header: str = "auto",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(Record, locals(), ("root", "split"))
        if header not in HEADERS:
            raise ConfigError(
                "Unknown kind of label",
                expected=", ".join(HEADERS),
                received=header,
                where="Record",
            )
        self.root, self.split, self.exif = Path(root), split, exif
        self._file = RecordFile(self.root / f"{split}.rec")
        told = self.root / f"{split}.json"
        self._packed = told.is_file()
        self._ids = self._file.keys
        if self._packed:
            self._take(told)
        else:
            self._header, count = self._survey(header)
            self.classes = class_names(classes, self.root) or [str(i) for i in range(count)]
            if count > len(self.classes):
                raise DataError(
                    "The records have more classes than names",
                    expected=f"at least {count} names",
                    received=len(self.classes),
                    where=self._file.path,
                )

    def __len__(self) -> int:
        return len(self._ids)

    def __repr__(self) -> str:
        return f"Record({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @property
    def data_files(self) -> list[Path]:
        """All files that samples are read from."""
        files = [self._file.path.with_suffix(end) for end in (".rec", ".idx", ".json")]
        return [path for path in files if path.is_file()]

    def id_of(self, index: int) -> str:
        """The id in the packed dataset; of im2rec, the key in the index."""
        return self._ids[index]

    def __getitem__(self, index: int) -> Sample:
        name, where = self._ids[index], self._file.where(index)
        data = self._file.read(index)
        if not self._packed:
            labels, picture = split_header(data, where)
            image = decode_image(picture, where, self.exif)
            size = (image.shape[0], image.shape[1])
            return Sample(name, image, self._targets(labels, size, where))
        picture, payload = _parts(data, where)
        targets, note = from_bytes(payload, where)
        if note["id"] != name:
            raise DataError(
                "The records and their list of ids are of different packings",
                expected=name,
                received=note["id"],
                where=where,
                fix="pack it again",
            )
        return Sample(name, decode_image(picture, where), targets)

    def _take(self, path: Path) -> None:
        """The ids and names out of the file that the packing wrote last."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            size, self._ids, known = int(told["bytes"]), list(told["ids"]), dict(told["attributes"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"The description of the records cannot be read: {error}", where=path
            ) from error
        if size != self._file.size or len(self._ids) != len(self._file):
            raise DataError(
                "The files of records do not belong together, or one is cut short",
                expected=f"{size} bytes, {len(self._ids)} records (as {path.name} says)",
                received=f"{self._file.size} bytes, {len(self._file)} records",
                where=self._file.path,
                fix="pack it again, or fetch all three files again",
            )
        for name, value in known.items():
            setattr(self, name, whole(value))

    def _survey(self, header: str) -> tuple[str, int]:
        """What the labels are, and how many classes occur."""
        count = 0
        for number in range(len(self)):
            where, data = self._file.where(number), self._file.read(number)
            if data.endswith(FORMAT):
                raise DataError(
                    "The description of packed records is missing",
                    expected=f"{self.split}.json beside them",
                    where=self._file.path,
                    fix="pack it again (an earlier packing was interrupted), or fetch the file",
                )
            labels = split_header(data, where)[0]
            if header == "auto":
                header = "label" if isinstance(labels, float) else "boxes"
            if header == "label":
                count = max(count, _class_of(labels, where) + 1)
            elif header == "labels":
                count = max(count, np.size(labels))
            else:
                count = max([count, *(int(row[0]) + 1 for row in _objects(labels, where))])
        if not count:
            raise DataError("There is no label in the records", where=self._file.path)
        return header, count

    def _targets(
        self, labels: float | np.ndarray, size: tuple[int, int], where: str
    ) -> dict[str, np.ndarray]:
        if self._header == "label":
            return {"label": np.array(_class_of(labels, where), np.int64)}
        if self._header == "labels":
            return {"labels": np.ravel(labels).astype(np.int64)}
        height, width = size
        kept = []
        for row in _objects(labels, where):
            x1, y1, x2, y2 = row[1:5].tolist()
            box = clip_box((x1 * width, y1 * height, x2 * width, y2 * height), height, width)
            if row[0] >= 0 and box[2] > box[0] and box[3] > box[1]:
                kept.append((box, int(row[0]), len(row) > 5 and row[5] > 0))
        boxes = [box for box, *_ in kept]
        return box_targets(
            boxes,
            [label for _, label, _ in kept],
            [bool(difficult) for *_, difficult in kept],
            [False] * len(kept),
            [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in boxes],
        )


def _class_of(labels: float | np.ndarray, where: str) -> int:
    """The class that the label of a whole picture names."""
    value = float(np.ravel(labels)[0])
    if not value >= 0 or value != np.floor(value) or np.isinf(value):
        raise DataError(
            "The label of a record is no class",
            expected="a whole number, 0 or more",
            received=value,
            where=where,
            fix="are these numbers to be regressed? A dataset of your own can read them",
        )
    return int(value)


def _objects(labels: float | np.ndarray, where: str) -> np.ndarray:
    """(n, length of an object) of a detection label."""
    values = np.ravel(labels)
    head, each = (int(values[0]), int(values[1])) if len(values) > 1 else (0, 0)
    if head < 2 or each < 5 or len(values) < head or (len(values) - head) % each:
        raise DataError(
            "The label of a record is not one of objects",
            expected="length of the head (2 or more), length of an object (5 or more), objects",
            received=values[:8].tolist(),
            where=where,
            fix='header="label" or "labels" if they are classes of the whole picture',
        )
    return values[head:].reshape(-1, each)


def _parts(data: bytes, where: str) -> tuple[memoryview, memoryview]:
    """The picture and the payload of a record by `tools/pack.py`, whose sum is right."""
    body, tail = memoryview(data)[:-_TAIL], data[-_TAIL:]
    length = LENGTH.unpack_from(tail)[0] if len(tail) == _TAIL else -1
    (crc,) = CRC.unpack_from(tail, LENGTH.size) if length >= 0 else (-1,)
    if not tail.endswith(FORMAT) or zlib.crc32(tail[: LENGTH.size], zlib.crc32(body)) != crc:
        raise DataError(
            "A record is damaged",
            expected="bytes with the crc32 that the packing wrote",
            received=f"{len(data)} bytes with another",
            where=where,
            fix="pack it again, or fetch the file again",
        )
    behind = split_header(data, where)[1]
    end = len(behind) - _TAIL - length
    return behind[:end], behind[end : end + length]
