"""What describes a YOLO dataset: data.yaml, Darknet's obj.data, or a list of class names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.datasets.files.paths import names_below
from densefit.datasets.files.text_file import read_text
from densefit.errors import DataError
from densefit.yaml_files.document import Document

from .class_numbers import names_of_yaml, read_names
from .keypoints import check_flip, keypoint_names, keypoint_shape
from .label_file import KeypointShape

_SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing", "trainval")
_NAMES = re.compile(r"^(names|nc)\s*:", re.MULTILINE)
_YAMLS = ("data.yaml", "data.yml")
_LISTS = ("classes.txt", "obj.names", "_darknet.labels", "labels/classes.txt")


@dataclass(frozen=True)
class Description:
    """Classes, splits and keypoints of a dataset.

    Attributes:
        source: file that they are from; None if there is none.
        names: class number -> class name; empty if unknown.
        has_placeholders: the file has a number of classes only, and the names are made up.
        splits: split -> folders and lists of images, as the file names them.
        folder: `path` of the file, "" if it has none.
        keypoints: shape of the keypoints; None if there are none.
        keypoint_names: their names; None if the file has none.
        flip_idx: index of each keypoint in a mirrored image; None if the file has none.
        keys: all keys of a YAML file.
    """

    source: Path | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    has_placeholders: bool = False
    splits: Mapping[str, list[str]] = field(default_factory=dict)
    folder: str = ""
    keypoints: KeypointShape | None = None
    keypoint_names: list[str] | None = None
    flip_idx: list[int] | None = None
    keys: tuple[str, ...] = ()


def read_description(root: Path, data_yaml: str | Path | None = None) -> Description:
    """Read what describes the dataset in a folder.

    In this order: `data_yaml`, data.yaml, the only YAML file with class names, the only *.data
    file, a list of class names.

    Raises:
        ConfigError, DataError: a file is broken, or there are several.
    """
    if data_yaml is not None:
        path = Path(data_yaml)
        return _read_yaml(path if path.is_file() else root / path)
    for name in _YAMLS:
        if (root / name).is_file():
            return _read_yaml(root / name)
    yamls = [path for path in sorted(root.glob("*.y*ml")) if _names_classes(path)]
    if len(yamls) > 1:
        raise DataError(
            "Several YAML files may describe the dataset",
            expected="data.yaml, or a single file",
            received=", ".join(path.name for path in yamls[:10]),
            where=root,
            fix=f"name it by the setting data_yaml={yamls[0].name}",
        )
    if yamls:
        return _read_yaml(yamls[0])
    darknet = sorted(root.glob("*.data"))
    if len(darknet) == 1:
        return _from_darknet(darknet[0], root)
    lists = [root / name for name in _LISTS if (root / name).is_file()]
    lists += sorted(root.glob("*.names"))
    if lists:
        return Description(lists[0], read_names(lists[0]))
    return Description()


def _names_classes(path: Path) -> bool:
    """Whether a YAML file has class names; others may be recipes."""
    try:
        return _NAMES.search(read_text(path, "The file")) is not None
    except DataError:
        return False


def _read_yaml(path: Path) -> Description:
    content = Document(read_text(path, "The description of the dataset"), path).value
    if not isinstance(content, dict):
        raise DataError(
            "The description of the dataset has no keys",
            expected="names, train, val",
            received=type(content).__name__,
            where=path,
        )
    names, has_placeholders = names_of_yaml(content, path)
    splits = {
        key: _entries(content[key], key, path)
        for key in _SPLITS
        if content.get(key) not in (None, "", [])
    }
    keypoints = keypoint_shape(content.get("kpt_shape"), path)
    flip_idx = content.get("flip_idx")
    if keypoints is not None and flip_idx is not None:
        check_flip(flip_idx, keypoints[0], path)
    folder = content.get("path")
    return Description(
        path,
        names,
        has_placeholders,
        splits,
        folder if isinstance(folder, str) else "",
        keypoints,
        keypoint_names(content.get("kpt_names"), keypoints),
        flip_idx,
        tuple(str(key) for key in content),
    )


def _entries(value: Any, key: str, path: Path) -> list[str]:
    """Folders and lists of a split."""
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(entry, str) and entry.strip() for entry in entries):
        raise DataError(
            f"The split {key!r} is neither a folder nor a list of folders",
            expected="a folder of images or a .txt file of their paths, or a list of these",
            received=f"{value!r:.120}",
            where=path,
        )
    return [entry.strip() for entry in entries]


def _from_darknet(path: Path, root: Path) -> Description:
    """A file of `key = value` lines, which names the list of classes and those of images."""
    values = {}
    for line in read_text(path, "The description of the dataset").splitlines():
        key, mark, value = line.partition("=")
        if mark and not line.lstrip().startswith(("#", ";")):
            values[key.strip()] = value.strip()
    names: dict[int, str] = {}
    if values.get("names"):
        name = names_below([values["names"]], root, path)[0]
        if isinstance(name, DataError):
            raise name
        names = read_names(root / name)
    splits = {key: [values[key]] for key in _SPLITS if values.get(key)}
    return Description(path, names, splits=splits)
