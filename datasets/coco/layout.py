"""Where the files of a COCO data set are, in the layouts of several tools."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.image_pairs import split_folder
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.pictures import folders_in, is_picture
from densefit.datasets.files.split_names import split_names
from densefit.errors import ConfigError, MissingSplitError

#: A path below `root`, "{split}" in it or not, or one a split.
BySplit = str | Mapping[str, str] | None

_FEW = 8  # JSON files beside each other; a folder of more has one an image
_END = 1 << 16  # bytes, which hold the categories of all common datasets
_ROBOFLOW = "_annotations.coco.json"
#: Beginnings of COCO's files of other tasks, whose annotations are no boxes of objects.
_OTHER_KINDS = ("person_keypoints", "captions", "image_info", "panoptic", "stuff")
_GENERAL = ("images", "data")  # folders of all splits' images
_HINT = "name the files by the setting `annotations`: {train: a.json, val: b.json}"
TREE = """
    annotations/{kind}_{split}.json
    images/{split}/a.jpg   or {split}/a.jpg, or images/a.jpg; or
    {split}/_annotations.coco.json   beside its images
"""


@dataclass(frozen=True)
class Files:
    """The files of a data set.

    Attributes:
        annotations: with the boxes.
        images: folder that the `file_name`s are below.
        keypoints: a further file, whose keypoints belong to the same annotations; None: those
            that are wanted are in the first one.
        spare: whether the file with keypoints does alone, where it has all wanted classes: that
            spares reading the far larger first one.
    """

    annotations: Path
    images: Path
    keypoints: Path | None = None
    spare: bool = False


@dataclass(frozen=True)
class Layout:
    """A folder, and how its files are named; see `COCO`."""

    root: Path
    split: str | None
    annotations: BySplit = None
    images: BySplit = None

    def files(self, keypoints: bool = False, further: Path | None = None) -> Files:
        """The files of the split, or of the whole folder.

        Args:
            keypoints: wanted.
            further: a file that has them.

        Raises:
            ConfigError: settings that do not go together.
            DataError: there are no such files.
        """
        if self.annotations is not None:
            path = self.root / _of_split(self.annotations, self.split, self.root, "annotations")
        elif self.split is None:
            path = self._only_file("person_keypoints" if keypoints else "instances")
        else:
            return self._usual_files(keypoints, further)
        return Files(path, self._images(path), further)

    def _usual_files(self, keypoints: bool, further: Path | None) -> Files:
        """The files of COCO's own names, else those of other tools."""
        folder = self.root / "annotations"
        instances = folder / f"instances_{self.split}.json"
        points = folder / f"person_keypoints_{self.split}.json"
        spare = keypoints and further is None
        if spare and (points.is_file() or instances.is_file()):
            further = self._checked(points, "person_keypoints")
            if not instances.is_file():
                return Files(further, self._images(further))
        path = instances
        if not path.is_file():
            path = next(self._of_other_tools(), points if spare else instances)
        path = self._checked(path, "person_keypoints" if path == points else "instances")
        return Files(path, self._images(path), further, spare and further is not None)

    def _of_other_tools(self) -> Iterator[Path]:
        """Existing files with the annotations of the split."""
        folder = split_folder(self.root, str(self.split))
        stated = [
            self.root / "annotations" / f"{self.split}.json",
            self.root / f"{self.split}.json",
        ]
        if folder is not None:
            stated.insert(0, folder / _ROBOFLOW)
        yield from (path for path in stated if path.is_file())
        for pattern in ("annotations/*.json", "*.json"):
            files = [
                path
                for path in self.root.glob(pattern)
                if not path.name.startswith(_OTHER_KINDS) and self._is_of_split(path.stem)
            ]
            if len(files) == 1:
                yield files[0]

    def _is_of_split(self, name: str) -> bool:
        """Whether a word of a name is the split, or the split of a year: custom_train2017."""
        words = (word.rstrip("0123456789") for word in re.split(r"[\W_]+", name.lower()))
        return not {*words}.isdisjoint(split_names(str(self.split)))

    def _checked(self, path: Path, kind: str) -> Path:
        if path.is_file():
            return path
        names = [file.stem[len(kind) + 1 :] for file in path.parent.glob(f"{kind}_*.json")]
        names += [file.parent.name for file in self.root.glob(f"*/{_ROBOFLOW}")]
        if not names and isinstance(self.split, str):
            tree = TREE.format(kind=kind, split=self.split)
            raise missing_layout(
                self.root,
                tree,
                f"There is no split {self.split!r}",
                layout="coco",
                fix=f"put the annotations there, or {_HINT}",
                kind=MissingSplitError,
            )
        raise missing_split(self.split, path, names, f"put the annotations there, or {_HINT}")

    def _only_file(self, kind: str) -> Path:
        """The file of a folder without splits: CVAT's, or the only one."""
        default = self.root / "annotations" / f"{kind}_default.json"
        if default.is_file():
            return default
        for pattern in ("annotations/*.json", "*.json"):
            paths = sorted(self.root.glob(pattern))
            if len(paths) == 1:
                return paths[0]
            if paths:
                raise ConfigError(
                    "Which annotations? The folder has several files",
                    received=", ".join(str(path.relative_to(self.root)) for path in paths[:8]),
                    where=self.root,
                    fix="choose a split; or name one file by the setting `annotations`",
                )
        tree = f"annotations/{kind}_default.json   or one other file\nimages/a.jpg"
        raise missing_layout(self.root, tree, "There are no annotations", layout="coco", fix=_HINT)

    def _images(self, annotations: Path) -> Path:
        """The folder of the images."""
        if self.images is not None:
            folder = self.root / _of_split(self.images, self.split, self.root, "images")
            if not folder.is_dir():
                raise missing_layout(
                    self.root, f"{folder.relative_to(self.root)}/", "There is no folder of images"
                )
            return folder
        if annotations.name == _ROBOFLOW:
            inner = annotations.parent / "images"
            has_images = any(map(is_picture, os.listdir(annotations.parent)))
            return inner if inner.is_dir() and not has_images else annotations.parent
        # "default" of CVAT's instances_default.json, and so on.
        split = self.split or annotations.stem.rpartition("_")[2]
        for name in (f"images/{split}", split, *_GENERAL):
            if (self.root / name).is_dir() and (name not in _GENERAL or self.split is None):
                return self.root / name
        return self._images_of_split() or self.root / (self.split or "")

    def _images_of_split(self) -> Path | None:
        """The only folder that is called as the split in another way, else the general one."""
        for folder in (self.root / "images", self.root):
            names = folders_in(folder) if folder.is_dir() else []
            alike = [name for name in names if self._is_of_split(name)]
            if len(alike) == 1:
                return folder / alike[0]
        return next((self.root / name for name in _GENERAL if (self.root / name).is_dir()), None)


def is_coco_folder(root: Path) -> bool:
    """Whether a folder looks like one of these layouts."""
    patterns = ("annotations/*.json", _ROBOFLOW, f"*/{_ROBOFLOW}")
    if any(True for pattern in patterns for _ in root.glob(pattern)):
        return True
    files = sorted(root.glob("*.json"))
    return len(files) <= _FEW and any(map(_has_coco_keys, files))


def _has_coco_keys(path: Path) -> bool:
    """Whether the two ends of a JSON file name keys of COCO's format."""
    try:
        with path.open("rb") as file:
            text = file.read(_END)
            file.seek(max(0, path.stat().st_size - _END))
            text += file.read(_END)
    except OSError:
        return False
    return b'"categories"' in text and (b'"images"' in text or b'"annotations"' in text)


def _of_split(value: BySplit, split: str | None, root: Path, setting: str) -> str:
    """The entry of a split; of a text, with the split's name in place of "{split}"."""
    if isinstance(value, Mapping):
        if split is not None and isinstance(value.get(split), str):
            return value[split]
        hint = f"give one a split: {setting}: {{{split}: ...}}"
        raise missing_split(split, root, list(map(str, value)), hint)
    if not isinstance(value, str):
        raise ConfigError(
            f"The setting `{setting}` names files below `root`",
            expected="a path, or {split: path}",
            received=repr(value),
            where="COCO",
        )
    if split is not None and setting == "annotations" and "{split}" not in value:
        raise MissingSplitError(
            f"One file of annotations has no split {split!r}",
            received=value,
            where=root,
            fix="a file a split, {train: a.json, val: b.json}; or leave `split` out for all images",
        )
    return value.replace("{split}", split or "")
