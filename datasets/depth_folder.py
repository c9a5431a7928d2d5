"""Pictures in folders with depth maps, surface normals and masks: NYUv2, SUN RGB-D and the like."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.depth_maps import DepthReader
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.masks import IGNORE, MaskReader
from densefit.datasets.files.names import Names, class_names, doubled, missing_split, read_lines
from densefit.datasets.files.normal_maps import NormalsReader
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.pictures import check_apart, is_picture, pictures_by_stem
from densefit.errors import ConfigError, DataError, MissingSplitError

TREE = """
    {images}/a.png
    {maps}/a.png   of the same name
"""


@datasets.register("depth_folder")
class DepthFolder:
    """A depth map beside each picture, and, if wanted, its normals and a mask of class indices.

    The files of a sample have one path, without extension, below a folder each. Depth maps are grey
    PNGs (or TIFFs) of whole units, 0 where nothing is known; they become `depth` in metres. Maps
    of normals are coloured PNGs, see `NormalsReader`; they become `normals`, unit vectors.

    Args:
        root: the folder.
        split: samples are those of the list `<root>/<split>.txt`, a name a line. None: all
            pictures.
        images: folder of the pictures, below `root`.
        depths: folder of the depth maps; None: none are wanted.
        masks: folder of the masks; None: none are wanted.
        scale: metres a unit: 0.001 where files hold millimetres, 1 / 256 for KITTI's, 1 / 5000
            for TUM's, 1 for metres. None: millimetres; maps of floating-point numbers or of 8
            bits need it to be stated.
        classes: names of the masks' values, from 0 on: a list, or a file with one a line; None:
            `<root>/classes.txt`.
        ignore_value: a value of the masks that means "no class"; it becomes 255, its name, if
            there is one, is left out of `classes`, and the values above it count one less.
        exif: turn pictures as their EXIF orientation says.
        normals: folder of the maps of normals; None: none are wanted.
        normals_y: where a large green value points, "down" or "up" in the picture. Floors tell,
            if normals point out of them: little green where it is down, much where it is up.

    Attributes:
        classes: names of the masks' classes; none without masks.
        median_depth: of a few maps, in metres, for a look at the scale; None where none is known.

    Raises:
        ConfigError: a scale or a direction that is none, no maps are wanted, or two kinds of files
            in one folder.
        DataError: missing lists, folders or names, or no picture is whole; when read: a picture
            without its map, broken files, a map of another size than its picture.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        images: str = "rgb",
        depths: str | None = "depth",
        masks: str | None = None,
        scale: float | None = None,
        classes: Names = None,
        ignore_value: int | None = 0,
        exif: bool = True,
        normals: str | None = None,
        normals_y: str = "down",
    ) -> None:
        self._unusual = unusual(DepthFolder, locals(), ("root", "split"))
        self.root, self.split, self.scale, self.exif = Path(root), split, scale, exif
        self._read_depth = DepthReader(scale)
        self.classes: list[str] = []
        self._read_mask: MaskReader | None = None
        self._read_normals = NormalsReader(normals_y)
        wanted = {"depth": depths, "normals": normals, "mask": masks}
        folders = {what: folder for what, folder in wanted.items() if folder is not None}
        if not folders:
            raise ConfigError(
                "No maps are wanted",
                expected="a folder of depths, normals or masks",
                where="DepthFolder",
            )
        kinds = {"images": images, "depths": depths, "normals": normals, "masks": masks}
        check_apart(
            {kind: self.root / below for kind, below in kinds.items() if below is not None},
            "move the files apart: a folder of each, with the same names",
        )
        if masks is not None:
            self.classes, values = self._named_values(classes, ignore_value)
            self._read_mask = MaskReader(len(self.classes), values)
        self._broken: dict[str, DataError] = {}  # by name, raised when the sample is read
        self._names = self._listed(images, folders.values())
        self._files = self._found({"image": images, **folders})
        self.median_depth = None
        if depths is not None:
            whole = [name for name in self._names if name not in self._broken]
            self.median_depth = self._read_depth.median([self._files[n]["depth"] for n in whole])

    def __repr__(self) -> str:
        return f"DepthFolder({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / "depth").is_dir() and any((root / x).is_dir() for x in ("rgb", "images"))

    def __len__(self) -> int:
        return len(self._names)

    def id_of(self, index: int) -> str:
        """The name that the files of a sample have in common."""
        return self._names[index]

    def picture_file(self, index: int) -> Path:
        """The file of the picture."""
        return self._files_of(self._names[index])["image"]

    def _files_of(self, name: str) -> dict[str, Path]:
        if name in self._broken:
            raise self._broken[name].with_traceback(None)
        return self._files[name]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        files = self._files.get(self._names[index], {})  # none of a broken one
        names = [one for one in ("depth", "normals") if one in files]
        return (*names, "mask") if self._read_mask is not None else tuple(names)

    def __getitem__(self, index: int) -> Sample:
        name = self._names[index]
        files = self._files_of(name)
        image = read_image(files["image"], self.exif)
        size = (image.shape[0], image.shape[1])
        targets = {}
        if "depth" in files:
            targets["depth"] = self._read_depth(files["depth"], files["image"], size)
        if "normals" in files:
            targets["normals"] = self._read_normals(files["normals"], files["image"], size)
        if self._read_mask is not None:
            targets["mask"] = self._read_mask(files["mask"], files["image"], size)
        return Sample(name, image, targets)

    def _named_values(
        self, classes: Names, ignore_value: int | None
    ) -> tuple[list[str], Mapping[int, int]]:
        """Names of the classes, and file value -> class index or 255."""
        names = class_names(classes, self.root)
        if names is None:
            raise DataError(
                "The values of the masks have no names",
                where=self.root / "classes.txt",
                fix="write one name a line into that file, or pass classes=",
            )
        kept = [value for value in range(len(names)) if value != ignore_value]
        values = {value: index for index, value in enumerate(kept)}
        if ignore_value is not None:
            if not 0 <= ignore_value <= IGNORE or not kept:
                raise ConfigError(
                    "The value to ignore leaves no masks",
                    expected="0 to 255, and a class besides it",
                    received=f"{ignore_value}, classes {names}",
                    where="DepthFolder",
                )
            values[ignore_value] = IGNORE
        return [names[value] for value in kept], values

    def _listed(self, images: str, maps: Iterable[str]) -> list[str]:
        """The names of the samples, in order."""
        tree = TREE.format(images=images, maps=f"/a.png\n{' ' * 4}".join(maps))
        if self.split is not None:
            tree += f"    {self.split}.txt   a name a line: a"
        if not (self.root / images).is_dir():
            raise missing_layout(
                self.root,
                tree,
                f"There is no folder {images!r}",
                layout="depth_folder",
                fix="name the folders by the settings `images`, `depths`, `masks` and `normals`",
            )
        if self.split is None:
            names = list(
                pictures_by_stem(self.root / images, [self.root / below for below in maps])
            )
            if not names:
                raise DataError("There are no pictures", where=self.root / images)
            return names
        path = self.root / f"{self.split}.txt"
        if not path.is_file():
            lists = [found.stem for found in self.root.glob("*.txt") if found.stem != "classes"]
            hint = f"write {path}, the name of a picture a line, or leave `split` out: all of them"
            if not lists and isinstance(self.split, str):
                what = f"There is no list {self.split}.txt"
                raise missing_layout(
                    self.root, tree, what, layout="depth_folder", fix=hint, kind=MissingSplitError
                )
            raise missing_split(self.split, self.root, lists, hint)
        names = [os.path.normpath(name) for name in read_lines(path)]
        names = [
            os.path.splitext(name)[0] if is_picture(os.path.basename(name)) else name
            for name in names
        ]
        for double in doubled(names):
            raise DataError(f"{double!r} is listed twice", where=path)
        for name in names:
            try:
                name_below(name, path)
            except DataError as error:
                self._broken[name] = error
        return names

    def _found(self, folders: Mapping[str, str]) -> dict[str, dict[str, Path]]:
        """The files of each sample by what they are; notes the samples that lack one."""
        paths = {what: self.root / below for what, below in folders.items()}
        present = {what: pictures_by_stem(path, paths.values()) for what, path in paths.items()}
        files: dict[str, dict[str, Path]] = {}
        for name in self._names:
            own = files[name] = {}
            for what, folder in paths.items():
                found = present[what].get(name, [])
                if len(found) != 1:
                    self._broken.setdefault(
                        name,
                        DataError(
                            f"{name!r} does not have exactly one {what}",
                            received=", ".join(found) or "none",
                            where=folder,
                        ),
                    )
                own[what] = folder / (found[0] if found else name)
        if len(self._broken) == len(self._names):
            raise next(iter(self._broken.values()))
        return files
