"""NYU Depth v2's labelled set as it is published: one file of MATLAB, which is HDF5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.hdf5_file import HDF5File
from densefit.datasets.files.names import Names, class_names
from densefit.errors import ConfigError, DataError

from .label_map import label_table
from .nyu_splits import split_numbers
from .nyuv2 import CLASSES
from .surface_fit import normals_of_depth

FILE = "nyu_depth_v2_labeled.mat"
#: Of the colour camera, to whose picture the depths are projected, by the toolbox of the dataset.
FOCAL, CENTRE = (518.857901, 519.469611), (325.582449, 253.736166)


@datasets.register("nyu_depth_mat")
class NYUDepthMat:
    """nyu_depth_v2_labeled.mat: 1449 pictures of 480x640 with depths and 894 labels.

    `depth` is the file's, with filled holes. `normals` are made of it: planes fitted to what is
    around each pixel. Those that MTAN and LibMTL share were made otherwise: scores of the two are
    not comparable. `mask` needs a table that groups the labels into classes.

    Needs h5py, and SciPy for splits.mat: `pip install "densefit[nyu]"`.

    Args:
        root: the file, or its folder.
        split: "train", or "val" or "test", of the official splits.mat beside the file; or name of a
            list `<split>.txt` beside it, a number from 1 on a line; None: all pictures.
        class_map: table below the folder, with the columns `label` and `class`; see `label_table`.
            None: no `mask`.
        classes: names of the classes in the table, in the order of their indices: a list, or a
            file with one a line; None: NYUv2's 13.
        size: (height, width) that pictures and maps are resized to; None: that of the file.
        normals: whether to make `normals`.

    Attributes:
        classes: names of the classes of `mask`.

    Raises:
        ConfigError: a size that is none.
        DataError: missing or broken files, lists or tables, or a picture that cannot be read.
        MissingPackageError: h5py or SciPy is needed and not installed.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        class_map: str | Path | None = None,
        classes: Names = None,
        size: Sequence[int] | None = None,
        normals: bool = True,
    ) -> None:
        self._unusual = unusual(NYUDepthMat, locals(), ("root", "split"))
        self.root, self.split, self.normals = Path(root), split, normals
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ConfigError(
                "A size is none",
                expected="[height, width], such as [288, 384], or null",
                received=size,
                where="NYUDepthMat",
            )
        self._size = None if size is None else (int(size[0]), int(size[1]))
        folder = self.root if self.root.is_dir() else self.root.parent
        self._file = HDF5File(self.root / FILE if self.root.is_dir() else self.root)
        self._numbers = split_numbers(folder, split, self._checked_count(class_map is not None))
        self.classes: list[str] = []
        self._table: np.ndarray | None = None
        if class_map is not None:
            self.classes = class_names(classes, folder) or list(CLASSES)
            self._table = label_table(folder / class_map, self._file.texts("names"), self.classes)

    def __repr__(self) -> str:
        return f"NYUDepthMat({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / FILE).is_file()

    def __len__(self) -> int:
        return len(self._numbers)

    def id_of(self, index: int) -> str:
        """The number of the picture in the file, from 1 on: "0001"."""
        return f"{self._numbers[index]:04d}"

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        return ("depth", *["normals"] * self.normals, *["mask"] * (self._table is not None))

    def __getitem__(self, index: int) -> Sample:
        at = self._numbers[index] - 1
        image = self._sized(self._file.read("images", at).transpose(2, 1, 0), cv2.INTER_AREA)
        depth = self._sized(self._file.read("depths", at).T, cv2.INTER_NEAREST_EXACT)
        depth = np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)
        targets = {"depth": depth}
        if self.normals:
            targets["normals"] = self._normals(depth)
        if self._table is not None:
            targets["mask"] = self._mask(at)
        return Sample(self.id_of(index), image, targets)

    def _sized(self, values: np.ndarray, how: int) -> np.ndarray:
        values = np.ascontiguousarray(values)
        if self._size is None or values.shape[:2] == self._size:
            return values
        return np.asarray(cv2.resize(values, self._size[::-1], interpolation=how))

    def _normals(self, depth: np.ndarray) -> np.ndarray:
        """Normals at the size of a map, whose pixels cover several of the camera's."""
        width, height = self._file.shape("depths")[1:]
        scale = depth.shape[1] / width, depth.shape[0] / height
        focal = FOCAL[0] * scale[0], FOCAL[1] * scale[1]
        centre = (CENTRE[0] + 0.5) * scale[0] - 0.5, (CENTRE[1] + 0.5) * scale[1] - 0.5
        return normals_of_depth(depth, focal, centre)

    def _mask(self, at: int) -> np.ndarray:
        labels = self._sized(self._file.read("labels", at).T, cv2.INTER_NEAREST_EXACT)
        table = self._table
        if table is None or labels.max(initial=0) >= len(table):
            raise DataError(
                "A label has no name in the file",
                expected=f"0 to {len(self._file.texts('names'))}",
                received=int(labels.max()),
                where=f"{self._file.path}, picture {at + 1}",
            )
        return np.asarray(table[labels])

    def _checked_count(self, has_labels: bool) -> int:
        """Number of pictures, of which all arrays have one entry each."""
        count, channels, width, height = (*self._file.shape("images"), 0, 0, 0, 0)[:4]
        expected = {"images": (count, 3, width, height), "depths": (count, width, height)}
        if has_labels:
            expected["labels"] = (count, width, height)
        for name, shape in expected.items():
            if self._file.shape(name) != shape or 0 in shape:
                raise DataError(
                    f"The array {name!r} has another shape",
                    expected=f"{name} {shape}, of (pictures, 3, width, height)",
                    received=f"{self._file.shape(name)}",
                    where=self._file.path,
                )
        return count
