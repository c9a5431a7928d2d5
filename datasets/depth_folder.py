"""Pictures in folders with depth maps, surface normals and masks: NYUv2, SUN RGB-D and the like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.depth.map_files import MapFiles
from densefit.datasets.depth.samples import find_samples
from densefit.datasets.files.depth_maps import DepthReader
from densefit.datasets.files.masks import IGNORE, MaskReader
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.files.normal_maps import NormalsReader
from densefit.errors import ConfigError, DataError


@datasets.register("depth_folder")
class DepthFolder:
    """A depth map beside each picture, and, if wanted, its normals and a mask of class indices.

    The files of a sample have one path, without extension, below a folder each, or are matched by
    patterns: `images="{scene}/rgb_{name}"`, `depths="{scene}/depth_{name}"`. Depth maps are grey
    PNGs (or TIFFs) of whole units, 0 where nothing is known; they become `depth` in metres. Maps
    of normals are coloured PNGs, see `NormalsReader`; they become `normals`, unit vectors.

    Args:
        root: the folder.
        split: samples are those of the list `<root>/<split>.txt`, a name a line; or, for depths
            alone, an image and its depth map a line, with the focal length behind them or not, as
            lists for NYUv2 and KITTI have it. Their paths are below the folders `images` and
            `depths`, or below `root` if these are not there. None, or a split that is in the
            folders ("{split}/rgb"): all pictures.
        images: folder of the pictures, below `root`, or a pattern of their paths: words in braces
            are what an image shares with its maps, `*` is what it does not.
        depths: the same of depth maps; None: none are wanted.
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
        missing_maps: what an image without its map is: "raise" an error when it is read, or
            "skip": it is no sample; a warning counts them.

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
        missing_maps: str = "raise",
    ) -> None:
        self._unusual = unusual(DepthFolder, locals(), ("root", "split"))
        self.root, self.split, self.scale, self.exif = Path(root), split, scale, exif
        self._read_depth = DepthReader(scale)
        self.classes: list[str] = []
        self._read_mask: MaskReader | None = None
        self._read_normals = NormalsReader(normals_y)
        maps = {"depth": depths, "normals": normals, "mask": masks}
        folders = {kind: folder for kind, folder in maps.items() if folder is not None}
        if not folders:
            raise ConfigError(
                "No maps are wanted",
                expected="a folder of depths, normals or masks",
                where="DepthFolder",
            )
        if missing_maps not in ("raise", "skip"):
            raise ConfigError(
                "Unknown way to treat images without a map",
                expected="missing_maps='raise' or 'skip'",
                received=repr(missing_maps),
                where="DepthFolder",
            )
        if masks is not None:
            self.classes, values = self._named_values(classes, ignore_value)
            self._read_mask = MaskReader(len(self.classes), values)
        samples = self._samples({"image": images, **folders}, missing_maps == "skip")
        self._errors, self._files = samples.errors, samples.files
        self._names = list(samples.files)
        self.median_depth = None
        if depths is not None:
            readable = [name for name in self._names if name not in self._errors]
            paths = [self._files[name]["depth"] for name in readable]
            self.median_depth = self._read_depth.median(paths)

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

    def label_files(self, index: int) -> list[Path]:
        """Files of the maps."""
        files = self._files_of(self._names[index])
        return [path for name, path in files.items() if name != "image"]

    def _files_of(self, name: str) -> dict[str, Path]:
        if name in self._errors:
            raise self._errors[name].with_traceback(None)
        return self._files[name]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        files = self._files[self._names[index]]  # none of a broken one
        names = [kind for kind in ("depth", "normals") if kind in files]
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

    def _samples(self, folders: Mapping[str, str], skip_missing: bool) -> MapFiles:
        """The files of the samples, by kind and folder or pattern."""
        return find_samples(self.root, self.split, folders, skip_missing, self)

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
        known_values = [value for value in range(len(names)) if value != ignore_value]
        values = {value: index for index, value in enumerate(known_values)}
        if ignore_value is not None:
            if not 0 <= ignore_value <= IGNORE or not known_values:
                raise ConfigError(
                    "The value to ignore leaves no masks",
                    expected="0 to 255, and a class besides it",
                    received=f"{ignore_value}, classes {names}",
                    where="DepthFolder",
                )
            values[ignore_value] = IGNORE
        return [names[value] for value in known_values], values
