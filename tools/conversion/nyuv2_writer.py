"""Write a dataset as arrays: <split>/{image,label,depth,normal}/<i>.npy, and classes.txt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Dataset, Sample
from densefit.datasets.depth.nyuv2 import FOLDERS, NYUv2
from densefit.datasets.files.masks import IGNORE
from densefit.errors import DataError

from .writer import ImageFile, Writer, names_of


class NYUv2Writer(Writer):
    """Arrays of float32 (labels: int64), numbered from 0 in each split.

    All samples have those of `mask`, `depth` and `normals` that the first one has.
    """

    name = "nyuv2"
    holds = frozenset(FOLDERS)
    images_as = "arrays"
    _targets: Sequence[str] = ()

    def begin(self, split: str) -> None:
        """Begin a split with the number 0."""
        self._count = 0

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        """Write the arrays of a sample.

        Raises:
            DataError: it has other targets than the first one, or none that are kept.
        """
        names = sorted(FOLDERS.keys() & sample.targets.keys())
        self._targets = self._targets or names
        if names != self._targets or not names:
            raise DataError(
                "A sample lacks targets",
                expected=", ".join(self._targets) or f"some of {', '.join(FOLDERS)}",
                received=f"targets {sorted(sample.targets)}",
                where=f"sample {sample.id!r}",
                fix="convert samples with equal targets; --to record keeps partial labels",
            )
        arrays = {"image": sample.image.astype(np.float32) / 255}
        for name in names:
            arrays[FOLDERS[name]] = _array(name, sample.targets[name])
        for folder, array in arrays.items():
            path = self.folder / split / folder / f"{self._count}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)
        self._names_by_id[sample.id] = f"{split}/{self._count}"
        self._count += 1

    def finish(self, split: str) -> None:
        """Write the names of the classes."""
        if "mask" in self._targets:
            names = names_of(self.dataset, "mask_classes", self.classes)
            (self.folder / "classes.txt").write_text("".join(f"{name}\n" for name in names))

    def settings(self) -> dict[str, Any]:
        """`targets`, where some are not there."""
        return {} if len(self._targets) == len(FOLDERS) else {"targets": list(self._targets)}

    def reader(self, split: str) -> Dataset:
        """Open what was written."""
        dataset: Dataset = NYUv2(self.folder, split, **self.settings())
        return dataset


def _array(name: str, values: np.ndarray) -> np.ndarray:
    """A target as the files have it: -1 for no class, depths with a channel."""
    if name == "mask":
        return np.where(values == IGNORE, -1, values.astype(np.int64))
    values = np.asarray(values, np.float32)
    return values[..., None] if name == "depth" else values
