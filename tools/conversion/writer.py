"""What a layout that datasets are converted to has in common with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset, Sample
from densefit.errors import DataError, located
from densefit.tools.formats.image_files import image_file

_KINDS = ("images", "labels")


@dataclass(frozen=True)
class ImageFile:
    """An encoded image.

    Attributes:
        data: content of the file.
        extension: ".jpg".
    """

    data: bytes
    extension: str


class Writer:
    """Writes the splits of a dataset in one layout.

    A layout is a subclass: `begin`, `add` and `finish` write, `reader` reads back.

    Args:
        folder: that is written, empty.
        dataset: any of the splits, for names of classes and keypoints.

    Attributes:
        holds: names of targets that the layout keeps. `difficult`, `crowd` and `area` are counted
            only where they say something: a flag that is set, an area that is not the box's.
        lost: what the layout cannot keep -> number of objects or samples.
        targets: names of all targets of the samples that were written.
    """

    #: As `--to` names it.
    name: ClassVar[str]
    holds: ClassVar[frozenset[str]]
    #: A split is a folder of its own: ids need not name it again.
    has_split_folders: ClassVar[bool] = False
    #: What images become that are not copied.
    images_as: ClassVar[str] = "PNG"
    #: All splits share a list of classes.
    has_one_class_list: ClassVar[bool] = True

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self.folder, self.dataset = folder, dataset
        self.classes = [str(name) for name in getattr(dataset, "classes", [])]
        self.lost: Counter[str] = Counter()
        self.targets: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}
        self._names_by_id: dict[str, str] = {}

    def write(self, split: str, dataset: Dataset) -> int:
        """Write a split; return the number of image files that were copied unchanged."""
        self.dataset, copied = dataset, 0
        self.begin(split)
        for index in range(len(dataset)):
            sample = read_sample(dataset, index)
            self.count_losses(sample)
            self.targets |= sample.targets.keys()
            data, extension, is_copied = image_file(dataset, index, sample)
            copied += is_copied
            with located(f"sample {sample.id!r}"):
                self.add(split, sample, ImageFile(data, extension))
        self.finish(split)
        return copied

    def begin(self, split: str) -> None:
        """Begin a split."""

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        """Write a sample."""
        raise NotImplementedError

    def finish(self, split: str) -> None:
        """Write what belongs to a whole split."""

    def reader(self, split: str) -> Dataset:
        """Open what was written."""
        raise NotImplementedError

    def written_id(self, split: str, sample: Sample) -> str:
        """Id that a sample has when it is read back."""
        return self._names_by_id.get(sample.id, sample.id)

    def settings(self) -> dict[str, Any]:
        """Settings of the dataset that reads the folder, beside `root` and `split`."""
        return {}

    def keeps(self, target: str) -> bool:
        """Whether the layout keeps a target."""
        return target in self.holds

    def kept_objects(self, sample: Sample) -> np.ndarray:
        """(n,) bool, which objects of a sample the layout can keep."""
        return np.ones(len(sample.targets.get("boxes", ())), bool)

    def count_losses(self, sample: Sample) -> None:
        """Count what the layout cannot keep of a sample."""
        targets = sample.targets
        for name in sorted(targets):
            if self.keeps(name) or self._is_implied(name):
                continue
            if name == "difficult" or name == "crowd":
                self.lost[f"{name} objects"] += int(np.count_nonzero(targets[name]))
            elif name == "area":
                self.lost["areas other than the box's"] += _own_areas(targets)
            else:
                self.lost[f"{name} (samples)"] += 1
        self.lost["objects that the layout has no box for"] += int(
            np.count_nonzero(~self.kept_objects(sample))
        )
        self.lost += Counter()  # without zeros

    def _is_implied(self, target: str) -> bool:
        """Whether a target is no loss, since it is made of one that is kept or lost itself."""
        return target in ("keypoint_flip", "instance_ids") or (
            target == "instance_masks" and not self.keeps("instances")
        )

    def file_name(self, split: str, sample: Sample) -> str:
        """Path of a sample's files without extension, by its id.

        Raises:
            DataError: two ids become one path.
        """
        parts = [part for part in sample.id.replace("\\", "/").split("/") if part not in ("", ".")]
        if self.has_split_folders:
            parts = _without_kinds(parts, split)
        name = "/".join(part.replace("..", "__").strip() or "_" for part in parts) or "_"
        self._names_by_id[sample.id] = name
        other = self._names.setdefault((split, name.lower()), sample.id)
        if other != sample.id:
            raise DataError(
                "Two samples would be written to one file",
                received=f"the ids {other!r} and {sample.id!r}",
                where=self.folder / name,
            )
        return name


def _without_kinds(parts: list[str], split: str) -> list[str]:
    """Parts of an id without folders that only name a kind of files, and without the split's.

    A folder called images below images/train would be taken for the one whose labels lie in
    labels: "images/train/a" becomes "a", and "day1/images/a" becomes "day1/a".
    """
    *folders, name = parts or [""]
    folders = [part for part in folders if part not in _KINDS]
    return [*(folders[1:] if folders[:1] == [split] else folders), name]


def _own_areas(targets: Mapping[str, np.ndarray]) -> int:
    """Number of objects whose area is not that of their box."""
    boxes = np.asarray(targets["boxes"], np.float64)
    of_boxes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return int(np.count_nonzero(np.abs(targets["area"] - of_boxes) > 1e-3 * of_boxes + 1e-3))


def number_text(value: float) -> str:
    """A coordinate in pixels as text, to 1e-4: "12.5", "7".

    >>> number_text(12.5), number_text(7.0), number_text(0.33333)
    ('12.5', '7', '0.3333')
    """
    return f"{value:.4f}".rstrip("0").rstrip(".")


def names_of(dataset: Dataset, attribute: str, labels: Sequence[str]) -> list[str]:
    """A list of class names of a dataset, or the default."""
    return [str(name) for name in getattr(dataset, attribute, None) or labels]
