"""NYUv2 for multi-task training, as MTAN, LibMTL and their successors share it: arrays in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.missing_files import files_in
from densefit.datasets.files.names import Names, class_names
from densefit.errors import ConfigError, DataError, MissingSplitError

from .array_maps import MaskReader, ReadMap, read_depth, read_normals, read_picture

#: The 13 classes, in the order of `label` (Couprie et al., ICLR 2013).
CLASSES = (
    *("bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture"),
    *("sofa", "table", "tv", "wall", "window"),
)
#: Target -> folder of its arrays.
FOLDERS = {"mask": "label", "depth": "depth", "normals": "normal"}

TREE = """
    {split}/image/0.npy     (288, 384, 3), 0 to 1
    {split}/label/0.npy     (288, 384), -1 to 12; -1 = no class
    {split}/depth/0.npy     (288, 384, 1), metres; 0 = unknown
    {split}/normal/0.npy    (288, 384, 3); 0 = unknown
"""


@datasets.register("nyuv2")
class NYUv2:
    """NYUv2 as MTAN and LibMTL share it: <split>/{image,label,depth,normal}/<i>.npy.

    795 images of "train" and 654 of "val", 288x384, with `mask` of 13 classes, `depth` in metres
    and `normals` (Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention", CVPR
    2019). The files are read when a sample is; images become bytes.

    Args:
        root: folder of the splits.
        split: name of a split's folder.
        targets: which to read, of `mask`, `depth` and `normals`.
        classes: names of the values of `label`, from 0 on: a list, or a file with one a line; None:
            `<root>/classes.txt` if there is one, else the 13 classes.

    Attributes:
        classes: names of the classes of `mask`.
        faults: sample index -> DataError, of samples that lack a file.

    Raises:
        ConfigError: unknown targets, or none.
        DataError: the folder of the split or its images are not there; when read: missing or
            broken files, arrays of another shape, or of values that they cannot have.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        targets: Sequence[str] = tuple(FOLDERS),
        classes: Names = None,
    ) -> None:
        self._unusual = unusual(NYUv2, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        if isinstance(targets, str) or not targets or not set(targets) <= set(FOLDERS):
            raise ConfigError(
                "Unknown targets of NYUv2",
                expected=f"a list of some of {', '.join(FOLDERS)}",
                received=targets,
                where="NYUv2",
            )
        self._folders = {name: folder for name, folder in FOLDERS.items() if name in targets}
        self.classes = class_names(classes, self.root) or list(CLASSES)
        self._read: dict[str, ReadMap] = {
            "mask": MaskReader(len(self.classes)),
            "depth": read_depth,
            "normals": read_normals,
        }
        self._numbers = self._numbers_of_images()
        self.faults = self._missing()

    def __repr__(self) -> str:
        return f"NYUv2({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return any(
            (root / split / "image/0.npy").is_file() and (root / split / "normal").is_dir()
            for split in ("train", "val")
        )

    def __len__(self) -> int:
        return len(self._numbers)

    def id_of(self, index: int) -> str:
        """The split and the number of the files."""
        return f"{self.split}/{self._numbers[index]}"

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        return tuple(self._folders)

    def label_files(self, index: int) -> list[Path]:
        """The files of the targets."""
        return [self._path(folder, index) for folder in self._folders.values()]

    def _path(self, folder: str, index: int) -> Path:
        return self.root / self.split / folder / f"{self._numbers[index]}.npy"

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        if index in self.faults:
            raise self.faults[index].with_traceback(None)
        image = read_picture(self._path("image", index))
        size = (image.shape[0], image.shape[1])
        targets = {
            name: self._read[name](self._path(folder, index), size)
            for name, folder in self._folders.items()
        }
        return Sample(self.id_of(index), image, targets)

    def _numbers_of_images(self) -> list[int]:
        """Numbers of the images, in order."""
        names = files_in(self.root / self.split / "image")
        stems = [name[: -len(".npy")] for name in names if name.endswith(".npy")]
        numbers = [int(stem) for stem in stems if stem.isdecimal() and stem == str(int(stem))]
        if numbers:
            return sorted(numbers)
        is_folder = (self.root / self.split).is_dir()
        raise missing_layout(
            self.root,
            TREE.replace("{split}", self.split),
            f"There are no {'images' if is_folder else 'files'} of the split {self.split!r}",
            layout="nyuv2",
            kind=DataError if is_folder else MissingSplitError,
        )

    def _missing(self) -> dict[int, DataError]:
        """Sample index -> what it lacks, by one look into each folder."""
        faults: dict[int, DataError] = {}
        for name, folder in self._folders.items():
            present = files_in(self.root / self.split / folder)
            for index, number in enumerate(self._numbers):
                if f"{number}.npy" not in present:
                    faults[index] = DataError(
                        f"There is no {name} of '{self.split}/{number}'",
                        where=self._path(folder, index),
                        fix=f"leave {name} out of the dataset's setting `targets`, or add the file",
                    )
        if len(faults) == len(self):
            raise faults[0]
        return faults
