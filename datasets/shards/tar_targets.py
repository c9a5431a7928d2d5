"""Values of targets in the files of a tar file."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.io.index_image import decode_ids, decode_mask
from densefit.datasets.files.names import class_index
from densefit.datasets.files.pictures import EXTENSIONS
from densefit.errors import DataError

#: Values of targets -> their array.
_FORMS: dict[str, tuple[type, tuple[int, ...]]] = {
    "label": (np.int64, ()),
    "labels": (np.int64, (-1,)),
    "boxes": (np.float32, (-1, 4)),
    "classes": (np.int64, (-1,)),
    "difficult": (np.bool_, (-1,)),
    "crowd": (np.bool_, (-1,)),
    "area": (np.float32, (-1,)),
}
TARGETS = (*_FORMS, "keypoints", "mask", "instances", "depth", "normals")
IMAGES = tuple(extension[1:] for extension in EXTENSIONS)
_CLASSES = ("label", "classes")  # of these, values may be names
_OF_BOXES = ("difficult", "crowd", "area")
_TEXTS = ("cls", "txt", "text", "index", "id")
_COCO = {"bbox", "category_id"}
_SKIP = 'fields={"image": "jpg", ...} without the json file, if these are no targets'


class TarTargets:
    """Decodes targets.

    Args:
        classes: class names, which files may have in place of numbers.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = list(classes)

    def decode(self, target: str, extension: str, data: bytes, where: str) -> np.ndarray:
        """A target from its own file."""
        return self._array(target, _decoded(target, extension, data, where), where)

    def decode_json(
        self, data: bytes, targets: Mapping[str, np.ndarray], where: str
    ) -> dict[str, np.ndarray]:
        """Targets in a file `json`: those under their names, and COCO's annotations.

        Args:
            data: content of the file.
            targets: of the sample's other files. If the JSON has another value of one, that is
                an error, except for texts that are no class names.
            where: the file, for errors.
        """
        value = _decoded("json", "json", data, where)
        entries = value.get("annotations") if isinstance(value, dict) else value
        decoded = {}
        if isinstance(entries, list) and (not entries or _are_objects(entries, where)):
            decoded = self._of_coco(entries, where)
        named = value if isinstance(value, dict) else {}
        for name in _FORMS:
            if name not in named or (name in _OF_BOXES and "boxes" not in named):
                continue
            if name == "label" and self._is_text(named[name]):
                if name in targets:
                    continue
                raise _unknown(named[name], where, f", or {_SKIP}")
            array = self._array(name, named[name], where)
            if name in decoded and not np.array_equal(decoded[name], array):
                raise _differ(name, decoded[name], array, where)
            decoded[name] = array
        for name in decoded.keys() & targets.keys():
            if not np.array_equal(decoded[name], targets[name]):
                raise _differ(name, targets[name], decoded[name], where)
        return {name: array for name, array in decoded.items() if name not in targets}

    def _is_text(self, value: object) -> bool:
        """Whether a value is a text beside the number of a class, but not the name of one."""
        return isinstance(value, str) and value not in self._classes and not _is_number(value)

    def _of_coco(self, entries: Sequence[Any], where: str) -> dict[str, np.ndarray]:
        """Objects of COCO's annotations; their boxes are x, y, width, height in pixels."""
        boxes = self._array("boxes", [entry["bbox"] for entry in entries], where)
        sizes = boxes[:, 2:].copy()
        boxes[:, 2:] += boxes[:, :2]
        areas = [entry.get("area", size.prod()) for entry, size in zip(entries, sizes)]
        crowd = [bool(entry.get("iscrowd", 0)) for entry in entries]
        classes = [entry["category_id"] for entry in entries]
        return {
            "boxes": boxes,
            "classes": self._array("classes", classes, where),
            "difficult": np.zeros(len(entries), np.bool_),
            "crowd": np.array(crowd, np.bool_),
            "area": self._array("area", areas, where),
        }

    def _array(self, target: str, value: Any, where: str) -> np.ndarray:
        """A target as an array of its type."""
        if target in _CLASSES:
            value = self._numbers(target, value, where)
        if target not in _FORMS:
            return np.asarray(value, np.float32 if target == "keypoints" else None)
        dtype, shape = _FORMS[target]
        try:
            if isinstance(value, str):
                value = np.array(value.split(), np.float64)
            array: np.ndarray = np.asarray(value).astype(dtype).reshape(shape)
            if dtype is np.int64 and (np.asarray(value, np.float64) != array).any():
                raise ValueError("numbers that are not whole")
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(
                f"The values of a target are none: {error}",
                expected=f"{target}, {np.dtype(dtype)} {shape}",
                received=f"{value!r:.200}",
                where=where,
            ) from error
        if target in _CLASSES and self._classes and (array >= len(self._classes)).any():
            raise DataError(
                f"The {target} of a sample are numbers of no class",
                expected=f"0 to {len(self._classes) - 1}",
                received=f"{value!r:.200}",
                where=where,
                fix="give the names of all classes, classes=; COCO's category_id must count from 0",
            )
        return array

    def _numbers(self, target: str, value: Any, where: str) -> Any:
        """Replace class names by their numbers."""
        if isinstance(value, list):
            return [self._numbers("label", entry, where) for entry in value]
        if not isinstance(value, str):
            return value
        if target == "classes" and value not in self._classes:
            lines = value.splitlines()
            words = lines if len(lines) > 1 else value.split()
            return [self._numbers("label", word.strip(), where) for word in words]
        if _is_number(value) and value not in self._classes:
            return int(value)
        if not self._classes:
            raise _unknown(value, where)
        return class_index(value, self._classes, where)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", text) is not None


def _are_objects(entries: Sequence[Any], where: str) -> bool:
    """Whether entries are COCO's objects. Raises DataError if only some of them are."""
    if not any(isinstance(entry, dict) and "bbox" in entry for entry in entries):
        return False
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not entry.keys() >= _COCO:
            raise DataError(
                "An object in a list of COCO's annotations is none",
                expected="bbox and category_id in each",
                received=f"{entry!r:.200}",
                where=f"{where}, annotation {number}",
                fix=_SKIP,
            )
    return True


def _unknown(name: str, where: str, otherwise: str = "") -> DataError:
    return DataError(
        f"Unknown class {name[:100]!r}",
        where=where,
        fix=f"name the classes, classes=[...] or classes.txt beside the shards{otherwise}",
    )


def _differ(name: str, first: np.ndarray, second: np.ndarray, where: str) -> DataError:
    return DataError(
        f"A sample has two values of {name}",
        expected="the same in both",
        received=f"{first.tolist()!r:.100} and {second.tolist()!r:.100}",
        where=where,
        fix=f'say which file it is in: fields={{"{name}": "cls"}}',
    )


def _decoded(target: str, extension: str, data: bytes, where: str) -> Any:
    """Value of a file, by the last part of its extension."""
    kind = extension.rpartition(".")[2]
    decoders: dict[str, Callable[[], Any]] = {
        "npy": lambda: np.load(io.BytesIO(data), allow_pickle=False),
        "json": lambda: json.loads(data),
        **dict.fromkeys(_TEXTS, lambda: data.decode("utf-8-sig").strip()),
    }
    if kind in IMAGES and target == "mask":
        return decode_mask(data, where)
    if kind in IMAGES and target == "instances":
        return decode_ids(data, where)
    if kind not in decoders:
        raise DataError(
            f"A file cannot be read as the target {target!r}",
            expected="npy, json or txt; of masks and instances, an image",
            received=extension,
            where=where,
        )
    try:
        return decoders[kind]()
    except (ValueError, OSError, EOFError, RecursionError, MemoryError, SyntaxError) as error:
        raise DataError(f"The file is broken: {error}", where=where) from error
