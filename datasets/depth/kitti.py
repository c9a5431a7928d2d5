"""KITTI's depth maps beside its raw images."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.depth.map_files import MapFiles
from densefit.datasets.depth_folder import DepthFolder
from densefit.datasets.files.names import doubled, missing_split, read_lines
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.pictures import folders_in
from densefit.errors import DataError
from densefit.once import warn_once

logger = logging.getLogger(__name__)

_SIDED = re.compile(r"(\S+)\s+(\d{1,10})\s+([lr])")  # folder, frame, camera
_CAMERAS = {"l": "image_02", "r": "image_03"}
_NO_MAP = "None"


@datasets.register("kitti_depth")
class KITTIDepth(DepthFolder):
    """KITTI: depth maps of 16 bits, 256 a metre, 0 where the laser saw nothing.

    Images are those of the raw archives, `<raw>/<date>/<drive>/image_02/data/<frame>.png` (or
    .jpg), maps are `<split>/<drive>/proj_depth/groundtruth/image_02/<frame>.png`; drives and
    frames pair them. The first and last frames of a drive have no map and are no samples.

    With a list `<root>/<split>.txt` samples are its lines, in one of two forms: paths of an image
    and its map (or None), and perhaps the focal length, as for the split of Eigen et al.; or
    folder, frame and camera, `2011_09_26/2011_09_26_drive_0022_sync 473 r`, as monodepth2 has it.
    Images of a list are looked for in `raw`, maps in `train` and `val`, both also in `root`.

    Args:
        root: folder with the raw images and the maps.
        split: "train" or "val", a folder of maps; or the name of a list.
        raw: folder of the raw images below `root`, "." for `root` itself.
        camera: "image_02" (left) or "image_03", without a list.
        exif: turn images as their EXIF orientation says.

    Raises:
        DataError: missing folders or lists, or no image has a map; when read: missing or broken
            files.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        raw: str = "raw",
        camera: str = "image_02",
        exif: bool = True,
    ) -> None:
        settings = unusual(KITTIDepth, locals(), ("root", "split"))
        self._bases = (raw, "."), ("train", "val", ".")
        super().__init__(
            root,
            split,
            images=f"{raw}/*/{{drive}}/{camera}/data/{{name}}",
            depths=f"{{split}}/{{drive}}/proj_depth/groundtruth/{camera}/{{name}}.png",
            scale=1 / 256,
            exif=exif,
            missing_maps="skip",
        )
        self._unusual = settings

    def __repr__(self) -> str:
        return f"KITTIDepth({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return any(next(root.glob(f"{split}/*/proj_depth"), None) for split in ("train", "val"))

    def _samples(self, folders: Mapping[str, str], skip_missing: bool) -> MapFiles:
        """The files of the samples: of a list, or of all maps of the split."""
        path = self.root / f"{self.split}.txt"
        if path.is_file():
            return self._listed(path)
        if not (self.root / str(self.split)).is_dir():
            lists = [path.stem for path in self.root.glob("*.txt")]
            fix = f"unpack the depth maps into {self.root / str(self.split)}, or write {path}"
            raise missing_split(self.split, self.root, lists + folders_in(self.root), fix)
        return super()._samples(folders, skip_missing)

    def _listed(self, path: Path) -> MapFiles:
        """The files of the samples in a list."""
        lines = read_lines(path)
        for double in doubled(lines):
            raise DataError(f"{double!r} is listed twice", where=path)
        result, missing = MapFiles(), 0
        for number, line in enumerate(lines, 1):
            try:
                images, depth = _names_in(line, f"{path}, entry {number}")
                image_path = self._find(images, self._bases[0], path)
                depth_path = self._find([depth], self._bases[1], path)
            except DataError as error:
                result.files[line], result.errors[line] = {}, error
                continue
            if depth == _NO_MAP or not depth_path.is_file():
                missing += 1
                continue
            name = image_path.relative_to(self.root).with_suffix("").as_posix()
            result.files[name] = {"image": image_path, "depth": depth_path}
        if missing:
            warn_once(
                logger,
                "%s: %d of %d images have no map and are left out",
                path,
                missing,
                len(lines),
            )
        if len(result.errors) == len(result.files):
            raise next(iter(result.errors.values()), self._no_maps(path))
        return result

    def _find(self, names: Sequence[str], bases: Sequence[str], path: Path) -> Path:
        """The first file that is there, of some names in some folders."""
        below = [name_below(name.lstrip("/"), path) for name in names]
        paths = [self.root / base / name for base in bases for name in below]
        return next((each for each in paths if each.is_file()), paths[0])

    def _no_maps(self, path: Path) -> DataError:
        return DataError(
            "No image of the list has a depth map",
            expected="<drive>/proj_depth/groundtruth/image_02/<frame>.png below train or val",
            received=", ".join(folders_in(self.root)[:8]) or "no folders",
            where=f"{self.root}, {path.name}",
        )


def _names_in(line: str, where: str) -> tuple[list[str], str]:
    """Possible paths of the image, and the path of the map, of a line."""
    if match := _SIDED.fullmatch(line):
        camera, frame = _CAMERAS[match[3]], f"{int(match[2]):010d}"
        stem = f"{match[1]}/{camera}/data/{frame}"
        drive = match[1].rstrip("/").rsplit("/", 1)[-1]
        depth = f"{drive}/proj_depth/groundtruth/{camera}/{frame}.png"
        return [f"{stem}.png", f"{stem}.jpg"], depth
    words = line.split()
    if len(words) not in (2, 3):
        raise DataError(
            "A line of the list is neither an image and its map, nor folder, frame and camera",
            received=f"{line!r:.200}",
            where=where,
        )
    return [words[0], words[0].rsplit(".", 1)[0] + ".jpg"], words[1]
