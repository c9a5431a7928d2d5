"""Pictures and targets in one file of records: those of `tools/pack.py`, and of MXNet's im2rec."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from densefit.data.io.array_codec import from_bytes
from densefit.data.io.image import decode_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.boxes import BoxCheck
from densefit.datasets.files.names import Names, class_names
from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

from .description import Description, give_attributes
from .im2rec_labels import RecordLabels
from .recordio import RecordFile, split_header

logger = logging.getLogger(__name__)

#: Behind the payload of a record: its length, the crc32 of all before the crc, and the format.
LENGTH, CRC, FORMAT = struct.Struct("<Q"), struct.Struct("<I"), b"denfit01"
_TAIL = LENGTH.size + CRC.size + len(FORMAT)


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
        units: of records by im2rec, what boxes are in: parts of the picture's size, as MXNet has
            it, or pixels. auto: pixels (with a warning) where all boxes end beyond 1.5.
        bad_boxes: of records by im2rec: "drop" (with a count, `dropped`, and a warning) or
            "raise" boxes without area in their picture.

    Attributes:
        classes: the names; with the `.json` file also `mask_classes` and whatever else the packed
            dataset knew.
        dropped: number of bad boxes left out.

    Raises:
        ConfigError: unknown settings, or other classes than packed records have.
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
        units: str = "auto",
        bad_boxes: str = "drop",
    ) -> None:
        self._unusual = unusual(Record, locals(), ("root", "split"))
        self.root, self.split, self.exif = Path(root), split, exif
        self._file = RecordFile(self.root / f"{split}.rec")
        description = self.root / f"{split}.json"
        self._labels: RecordLabels | None = None
        self._description: Description | None = None
        self._ids = self._file.keys
        check = BoxCheck(bad_boxes)
        if description.is_file():
            self._description = Description.read(description)
            self._description.check_size(len(self._file), self._file.size, self._file.path)
            self._ids = self._description.ids
            give_attributes(self, self._description.attributes, description)
            self._check_settings(classes)
        else:
            self._refuse_packed()
            self._labels = RecordLabels(self._file, header, units, check, exif)
            count = self._labels.count
            self.classes = class_names(classes, self.root) or [str(i) for i in range(count)]
            if count > len(self.classes):
                raise DataError(
                    "The records have more classes than names",
                    expected=f"at least {count} names",
                    received=len(self.classes),
                    where=self._file.path,
                )
        check.report(self)
        self.dropped = check.dropped

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

    def targets_of(self, index: int) -> Sequence[str] | None:
        """Names of a sample's targets; None of records that an earlier version packed."""
        if self._description is not None:
            return self._description.targets_of(index)
        return None if self._labels is None else self._labels.names

    def image_bytes(self, index: int) -> bytes:
        """Content of the image's file, as it was packed."""
        where, data = self._file.where(index), self._file.read(index)
        if self._labels is not None:
            return bytes(split_header(data, where)[1])
        return bytes(self._packed(index, data, where)[0])

    def __getitem__(self, index: int) -> Sample:
        name, where = self._ids[index], self._file.where(index)
        data = self._file.read(index)
        if self._labels is not None:
            labels, picture = split_header(data, where)
            image = decode_image(picture, where, self.exif)
            size = (image.shape[0], image.shape[1])
            return Sample(name, image, self._labels.targets(labels, size, where))
        picture, payload = self._packed(index, data, where)
        targets, note = from_bytes(payload, where)
        packed_id = note.get("id") if isinstance(note, dict) else None
        if packed_id != name:
            raise DataError(
                "The records and their list of ids are of different packings",
                expected=name,
                received=packed_id,
                where=where,
                fix="pack it again",
            )
        return Sample(name, decode_image(picture, where), targets)

    def _packed(self, index: int, data: bytes, where: str) -> tuple[memoryview, memoryview]:
        """The picture and the payload of a record, which the description beside it describes."""
        picture, payload, crc = _parts(data, where)
        if self._description is not None:
            self._description.check_crc(index, crc, where)
        return picture, payload

    def _check_settings(self, classes: Names) -> None:
        """Tell of settings that packed records do not take. Raises ConfigError of other classes."""
        names = None if classes is None else class_names(classes, self.root)
        if names is not None and names != self.classes:
            raise ConfigError(
                "The packed records have classes of their own",
                expected=f"classes={self.classes}, or none",
                received=names,
                where=self._file.path,
                fix="give other names to the dataset that is packed",
            )
        ignored = [name for name in ("header", "exif", "units") if f", {name}=" in self._unusual]
        if ignored:
            warn_once(
                logger,
                "%s: %s changes nothing: packed records have the targets and the pictures that "
                "the dataset had",
                self._file.path,
                ", ".join(ignored),
            )

    def _refuse_packed(self) -> None:
        """Raise DataError if these are records by `tools/pack.py` after all."""
        if len(self._file) and self._file.read(0).endswith(FORMAT):
            raise DataError(
                "The description of packed records is missing",
                expected=f"{self.split}.json beside them",
                where=self._file.path,
                fix="pack it again (an earlier packing was interrupted), or fetch the file",
            )


def _parts(data: bytes, where: str) -> tuple[memoryview, memoryview, int]:
    """The picture, the payload and the crc32 of a whole record by `tools/pack.py`."""
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
    return behind[:end], behind[end : end + length], crc
