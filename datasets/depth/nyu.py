"""NYU Depth v2, in the forms that are passed around."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.depth.map_files import MapFiles
from densefit.datasets.depth.samples import find_samples
from densefit.datasets.depth_folder import DepthFolder
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import read_lines
from densefit.errors import MissingSplitError

#: Folder of a split -> patterns of images and maps, and metres a unit.
_FORMS = (
    ("sync", "{scene}/rgb_{name}", "{scene}/sync_depth_{name}.png", 0.001),
    ("official_splits/{split}", "{scene}/rgb_{name}", "{scene}/sync_depth_{name}.png", 0.001),
    ("data/nyu2_{split}", "{scene}/{name}.jpg", "{scene}/{name}.png", 10 / 255),
    ("data/nyu2_{split}", "{name}_colors.png", "{name}_depth.png", 0.001),
    ("nyu2_{split}", "{scene}/{name}.jpg", "{scene}/{name}.png", 10 / 255),
    ("nyu2_{split}", "{name}_colors.png", "{name}_depth.png", 0.001),
    ("{split}", "rgb/{name}", "depth/{name}", 0.001),
)

TREE = """
    sync/SCENE/rgb_00045.jpg and sync_depth_00045.png, of "train"; or
    official_splits/{split}/SCENE/rgb_00045.jpg and sync_depth_00045.png; or
    nyu2_train/SCENE/1.jpg and 1.png, nyu2_test/00000_colors.png and 00000_depth.png; or
    {split}/rgb/1.jpg and {split}/depth/1.png
"""


@datasets.register("nyu_depth")
class NYUDepth(DepthFolder):
    """NYU Depth v2 as files; without a list, the form is found by its folders.

    - sync/<scene>/rgb_00045.jpg and sync_depth_00045.png (16 bits, millimetres), as BTS and its
      successors have them: `split="train"`; official_splits/test beside it: `split="test"`.
    - nyu2_train/<scene>/1.jpg and 1.png (8 bits, 255 is 10 m) and nyu2_test/00000_colors.png and
      00000_depth.png (16 bits, millimetres), in data/ or not, as DenseDepth has them.
    - <split>/rgb/1.jpg and <split>/depth/1.png (16 bits, millimetres).

    A list `<root>/<split>.txt`, with an image and its map a line, names files of the first form;
    its paths are below sync, official_splits/<split> or `root`.

    The labelled set as it is published is one .mat file (HDF5): the dataset nyu_depth_mat.

    Args:
        root: folder with one of these forms.
        split: "train", "test", or the name of a list.
        scale: metres a unit, in place of the form's.
        exif: turn images as their EXIF orientation says.

    Raises:
        DataError: none of the forms is there, or broken lists; when read: missing or broken files.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        scale: float | None = None,
        exif: bool = True,
    ) -> None:
        settings = unusual(NYUDepth, locals(), ("root", "split"))
        folder, images, depths, form_scale = _form(Path(root), split)
        super().__init__(
            root,
            split,
            images=f"{folder}/{images}" if images else folder,
            depths=f"{folder}/{depths}" if depths else folder,
            scale=form_scale if scale is None else scale,
            exif=exif,
        )
        self._unusual = settings

    def __repr__(self) -> str:
        return f"NYUDepth({str(self.root)!r}, split={self.split!r}{self._unusual})"

    def _samples(self, folders: Mapping[str, str], skip_missing: bool) -> MapFiles:
        """The files of a list, or all in the folder of the split."""
        has_list = (self.root / f"{self.split}.txt").is_file()
        split = self.split if has_list else None
        return find_samples(self.root, split, folders, skip_missing, self)

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        names = ("sync", "official_splits", "nyu2_train", "data/nyu2_train")
        return any((root / name).is_dir() for name in names)


def _form(root: Path, split: str) -> tuple[str, str, str, float]:
    """Folder of the split, patterns of images and maps in it ("" for a list), metres a unit."""
    if (root / f"{split}.txt").is_file():
        first = read_lines(root / f"{split}.txt")[0].split()[0].lstrip("/")
        folders = (f"official_splits/{split}", "official_splits/test", "sync")
        folder = next((name for name in folders if (root / name / first).is_file()), ".")
        return folder, "", "", 0.001
    for pattern, images, depths, scale in _FORMS:
        folder = pattern.replace("{split}", split)
        fits = pattern != "sync" or split == "train"
        if fits and (root / folder).is_dir() and _has_form(root / folder, images):
            return folder, images, depths, scale
    raise missing_layout(
        root,
        TREE.replace("{split}", split),
        f"There are no files of the split {split!r}",
        layout="nyu_depth",
        kind=MissingSplitError,
    )


def _has_form(folder: Path, images: str) -> bool:
    """Whether an image of a form is there."""
    glob = images.replace("{scene}", "*").replace("{name}", "*")
    return next(folder.glob(glob), None) is not None
