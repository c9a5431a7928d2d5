"""Files of records and their indices, beside struct and Pillow."""

from __future__ import annotations

import io
import json
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import Kind, encoded, picture, unlike, write_picture
from fuzz.text_changes import change_json, change_lines
from PIL import Image

from densefit.datasets.image_folder import ImageFolder
from densefit.datasets.record.record import Record
from densefit.tools.formats.packed_records import pack

_MAGIC = 0xCED7230A
_VALUES = (float("nan"), float("inf"), -5.0, 1e30, -1.0, 0.0, 0.5, 1.5, 255.0, 3e9)


def _record(labels: list[float], key: int, seed: int) -> bytes:
    image = encoded(picture(seed), "PNG")
    head = struct.pack("<IfQQ", 0, labels[0], key, 0)
    if len(labels) > 1:
        head = struct.pack("<IfQQ", len(labels), 0.0, key, 0) + struct.pack(
            f"<{len(labels)}f", *labels
        )
    data = head + image
    return struct.pack("<II", _MAGIC, len(data)) + data + bytes(-len(data) % 4)


def _records(boxes: bool) -> list[bytes]:
    if not boxes:
        return [_record([float(i % 2)], i, i) for i in range(3)]
    objects = [[0, 0.1, 0.1, 0.5, 0.5], [1, 0.2, 0.3, 0.9, 0.8]]
    return [_record([4, 5, 0, 0, *sum(objects[: 1 + i % 2], [])], i, i) for i in range(3)]


def change_record(data: bytes, rng: Random) -> bytes:
    """A number of the frame, of the header or of the labels is another one."""
    place = rng.choice([i for i in range(0, len(data) - 64, 4) if data[i : i + 4] == data[:4]])
    changed = bytearray(data)
    how = rng.randrange(5)
    whole = rng.choice((0, 1, 2, 3, 5, 255, 1 << 29, (1 << 29) - 1, (1 << 32) - 1, 1 << 31))
    if how == 0:
        struct.pack_into("<I", changed, place + 4, whole)  # flag and length
    elif how == 1:
        struct.pack_into("<I", changed, place + 8, whole)  # how many labels
    elif how == 2:
        struct.pack_into("<f", changed, place + 12, rng.choice(_VALUES))
    elif how == 3:
        struct.pack_into("<f", changed, place + 32 + 4 * rng.randrange(7), rng.choice(_VALUES))
    else:
        struct.pack_into("<Q", changed, place + 16, whole)
    return bytes(changed)


class Rec(Kind):
    """Records of im2rec."""

    name = "rec, labels"
    target = "train.rec"
    boxes = False

    def clean(self) -> list[bytes]:
        return [b"".join(_records(self.boxes))]

    def structural(self) -> Change:
        return change_record

    def open(self, root: Path) -> Any:
        return Record(root)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        place, number = 0, 0
        for number, sample in samples.items():
            try:
                magic, length = struct.unpack_from("<II", data, place)
                count, label, _, _ = struct.unpack_from("<IfQQ", data, place + 8)
                labels = struct.unpack_from(f"<{count}f", data, place + 32) or (label,)
                image = np.asarray(
                    Image.open(
                        io.BytesIO(data[place + 32 + 4 * count : place + 8 + length])
                    ).convert("RGB")
                )
            except Exception:  # whatever it is, these do not read the record
                return None
            if length >> 29 or magic != _MAGIC:
                return None
            said = unlike("picture", sample.image, image) or self._labels(sample, labels)
            if said:
                return f"record {number}, {said}"
            place += 8 + length + -length % 4
        padding = place - len(data)  # of the last record, which may be missing
        return "" if 0 <= padding < 4 else unlike("length", place, len(data))

    def _labels(self, sample: Any, labels: tuple[float, ...]) -> str:
        if "label" in sample.targets:
            return unlike("label", int(sample.targets["label"]), int(labels[0]))
        if "boxes" not in sample.targets:
            return unlike("labels", sample.targets["labels"], np.array(labels))
        head, each = int(labels[0]), int(labels[1])
        rows = np.array(labels[head:], np.float64).reshape(-1, each)
        height, width = sample.image.shape[:2]
        boxes = rows[:, 1:5] * (width, height, width, height)
        boxes = boxes.clip(0, (width, height, width, height))
        good = (boxes[:, 2:] > boxes[:, :2]).all(axis=1) & (rows[:, 0] >= 0)
        return unlike("boxes", sample.targets["boxes"], boxes[good], 1e-3) or unlike(
            "classes", sample.targets["classes"], rows[good, 0]
        )


class RecBoxes(Rec):
    """Records of im2rec with objects."""

    name = "rec, boxes"
    boxes = True


class Idx(Kind):
    """The index beside records."""

    name = "idx"
    target = "train.idx"
    told = ("train.rec",)

    def clean(self) -> list[bytes]:
        return [self._index(_records(False)).encode()]

    def _index(self, records: list[bytes]) -> str:
        offsets = np.cumsum([0, *map(len, records)])
        return "".join(f"{i}\t{offset}\n" for i, offset in enumerate(offsets[:-1]))

    def structural(self) -> Change:
        return change_lines

    def write(self, root: Path) -> None:
        (root / "train.rec").write_bytes(b"".join(_records(False)))

    def open(self, root: Path) -> Any:
        return Record(root)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            lines = [line.split("\t") for line in data.decode().splitlines() if line.strip()]
            offsets = [int(offset) for _, offset in lines]
        except (ValueError, UnicodeDecodeError):
            return None
        records = _records(False)
        places = np.cumsum([0, *map(len, records)])[:-1].tolist()
        if len(offsets) != len(samples):
            return unlike("samples", len(samples), len(offsets))
        for number, offset in enumerate(offsets):
            place = places.index(offset) if offset in places else -1
            said = unlike("record", int(samples[number].targets["label"]), place % 2)
            said = said or unlike("picture", samples[number].image, picture(place))
            if said:
                return said
        return ""


class Packed(Kind):
    """Records of `tools/pack.py`, one of whose three files is changed."""

    def __init__(self, ending: str) -> None:
        self.name, self.target = f"packed {ending}", f"train.{ending}"
        self.told = ("train.rec", "train.json", "train.idx")
        self._ending = ending
        self._files: dict[str, bytes] = {}

    def _packed(self) -> dict[str, bytes]:
        if not self._files:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                for seed, name in enumerate(("cat/a", "dog/b")):
                    write_picture(root / f"pictures/{name}.png", seed)
                pack(ImageFolder(root / "pictures"), root / "train.rec")
                files = {path.name: path.read_bytes() for path in root.glob("train.*")}
            # without the folder's name, which is another one each time
            self._files = {name: data.replace(folder.encode(), b"") for name, data in files.items()}
        return self._files

    def clean(self) -> list[bytes]:
        return [self._packed()[self.target]]

    def structural(self) -> Change | None:
        return {"json": change_json, "idx": change_lines}.get(self._ending)

    def write(self, root: Path) -> None:
        for name, data in self._packed().items():
            (root / name).write_bytes(data)

    def open(self, root: Path) -> Any:
        return Record(root)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        if self._ending == "json":
            try:
                ids = json.loads(data)["ids"]
            except (ValueError, KeyError, TypeError):
                return None
            return unlike("ids", [one.id for one in samples.values()], ids)
        for number, (_, sample) in enumerate(sorted(samples.items())):
            said = unlike("picture", sample.image, picture(number))
            if said and self._ending == "rec":
                return said  # the sums are of the whole record
        return ""
