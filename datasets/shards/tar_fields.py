"""Which targets the files of a sample are, by their extensions, and their values."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.io.image import decode_image
from densefit.data.io.index_image import decode_ids, decode_mask
from densefit.data.sample import Sample
from densefit.datasets.files.names import class_index
from densefit.datasets.files.pictures import EXTENSIONS
from densefit.errors import ConfigError, DataError

IMAGE = "image"
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
_TARGETS = (*_FORMS, "keypoints", "mask", "instances", "depth", "normals")
_CLASSES = ("label", "classes")  # of these, values may be names
_TEXTS = ("cls", "txt", "text", "index", "id")
_IMAGES = tuple(extension[1:] for extension in EXTENSIONS)


class TarFields:
    """Turns the files of a sample into an image and targets.

    Args:
        fields: target, or "image" -> extension, such as {"image": "jpg", "mask": "seg.png"}. None:
            the one image; `cls` is `label`; `mask.png` and other extensions that begin with the
            name of a target are that target; of `json`, what is called like a target, and COCO's
            annotations (a list of objects with bbox and category_id).
        classes: class names, which annotations may have in place of numbers.
        exif: turn images as their EXIF orientation says.

    Raises:
        ConfigError: a field that is no target.
    """

    def __init__(
        self, fields: Mapping[str, str] | None, classes: Sequence[str], exif: bool
    ) -> None:
        unknown = [name for name in fields or () if name not in (IMAGE, *_TARGETS)]
        if unknown:
            raise ConfigError(
                "A field of tar shards is no target",
                expected=", ".join((IMAGE, *_TARGETS)),
                received=unknown[0],
                where="fields",
            )
        self._fields = None if fields is None else {k: v.lower() for k, v in fields.items()}
        self._classes, self._exif = list(classes), exif

    def targets(self, extensions: Sequence[str]) -> tuple[str, ...] | None:
        """Names of the targets of a sample with these files; None if a json file decides."""
        chosen = self._chosen(extensions)
        return None if "json" in chosen.values() and self._fields is None else tuple(chosen)

    def read_extensions(self, extensions: Sequence[str], where: str) -> dict[str, str]:
        """Extension of the image and of each target. Raises DataError if there is no image."""
        return {IMAGE: self.image_extension(extensions, where), **self._chosen(extensions)}

    def image_extension(self, extensions: Sequence[str], where: str) -> str:
        """Extension of the image. Raises DataError if there is none, or several."""
        if self._fields is not None and IMAGE in self._fields:
            images = [name for name in extensions if name == self._fields[IMAGE]]
        else:
            taken = () if self._fields is None else self._fields.values()
            images = [name for name in extensions if name in _IMAGES and name not in taken]
        if len(images) != 1:
            raise DataError(
                "A sample of a tar file needs one image" if not images else
                "A sample of a tar file has several images",
                expected="one of " + ", ".join(_IMAGES),
                received=", ".join(extensions),
                where=where,
                fix='say which file is what: fields={"image": "jpg", "mask": "png"}',
            )  # fmt: skip
        return images[0]

    def sample(self, key: str, files: Mapping[str, bytes], where: str) -> Sample:
        """Decode the files of a sample.

        Args:
            key: of the sample.
            files: extension -> content of the files that `read_extensions` names.
            where: the sample, for errors.

        Raises:
            DataError: a file is broken.
        """
        chosen = self.read_extensions(list(files), where)
        extension = chosen.pop(IMAGE)
        image = decode_image(files[extension], f"{where}.{extension}", self._exif)
        targets: dict[str, np.ndarray] = {}
        for target, extension in chosen.items():
            value = self._decoded(target, extension, files[extension], f"{where}.{extension}")
            if target == "json":
                targets.update(self._of_json(value, f"{where}.{extension}"))
            else:
                targets[target] = self._array(target, value, f"{where}.{extension}")
        return Sample(key, image, targets)

    def _chosen(self, extensions: Sequence[str]) -> dict[str, str]:
        """Target, or "json" -> extension, of the files that a sample has."""
        if self._fields is not None:
            pairs = self._fields.items()
            return {name: end for name, end in pairs if name != IMAGE and end in extensions}
        chosen: dict[str, str] = {}
        for extension in extensions:
            name, _, rest = extension.partition(".")
            if extension == "cls":
                chosen["label"] = extension
            elif extension == "json":
                chosen["json"] = extension
            elif rest and name in _TARGETS:
                chosen[name] = extension
        return chosen

    def _decoded(self, target: str, extension: str, data: bytes, where: str) -> Any:
        """Value of a file, by the last part of its extension."""
        kind = extension.rpartition(".")[2]
        decoders: dict[str, Callable[[], Any]] = {
            "npy": lambda: np.load(io.BytesIO(data), allow_pickle=False),
            "json": lambda: json.loads(data),
            **dict.fromkeys(_TEXTS, lambda: data.decode().strip()),
        }
        if kind in _IMAGES and target == "mask":
            return decode_mask(data, where)
        if kind in _IMAGES and target == "instances":
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

    def _of_json(self, value: Any, where: str) -> dict[str, np.ndarray]:
        """Targets in a JSON file: those under their names, and COCO's annotations."""
        entries = value.get("annotations") if isinstance(value, dict) else value
        targets = {}
        if isinstance(entries, list) and all(
            isinstance(entry, dict) and {"bbox", "category_id"} <= entry.keys() for entry in entries
        ):
            targets = self._of_coco(entries, where)
        if isinstance(value, dict):
            named = {name: value[name] for name in _FORMS if name in value}
            targets.update({name: self._array(name, v, where) for name, v in named.items()})
        return targets

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
            value = self._numbers(value, where)
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

    def _numbers(self, value: Any, where: str) -> Any:
        """Replace class names by their numbers."""
        if isinstance(value, list):
            return [self._numbers(entry, where) for entry in value]
        if isinstance(value, str):
            if re.fullmatch(r"-?[0-9]{1,9}", value) and value not in self._classes:
                return int(value)
            return class_index(value, self._classes, where)
        return value
