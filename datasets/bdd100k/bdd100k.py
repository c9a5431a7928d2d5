"""BDD100K: boxes, drivable area and lanes of one picture."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.missing_files import files_in
from densefit.datasets.files.pictures import pictures_below
from densefit.datasets.objects import DatasetAnnotations, ImageAnnotation, ObjectDataset, Stored
from densefit.datasets.objects.left_out import LeftOut
from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

from .folders import Folders, find_folders, has_folders
from .frames import CLASSES, frames
from .street_masks import StreetMaskReader

logger = logging.getLogger(__name__)


@datasets.register("bdd100k")
class BDD100K(ObjectDataset):
    """BDD100K (Yu et al., CVPR 2020), as it is published or as YOLOP arranges it.

    Targets: boxes of the 10 classes of the detection benchmark; `drivable`, (H, W) uint8, 1 where a
    car may drive; `lanes`, 1 where a lane's marking is. Names of the first release (person, motor,
    bike) are those of the benchmark; objects of others ("other vehicle") are counted, and left out.
    The recipe's `rename` makes one class of several: {car: vehicle, bus: vehicle, rider: null}.

    Pictures that lack one of the wanted labels are left out, with a warning that counts them.

    Args:
        root: folder of `images` and `labels`, or that with bdd100k/ in it.
        split: "train" or "val".
        drivable: give `drivable`.
        lanes: give `lanes`.
        alternative: whether `drivable` has two classes beside the background, the car's lane
            ("direct") and others ("alternative"); YOLOP's masks do not tell them apart.
        bad_boxes: see `ObjectDataset`.
        exif: turn images as their EXIF orientation says.

    Attributes:
        classes: of the boxes.
        drivable_classes, lanes_classes: of the pixels, the first is "background".

    Raises:
        ConfigError: `alternative` of masks that do not tell.
        DataError: missing folders, or no picture has all labels. A broken file is an error of its
            picture alone, but for the JSON file of a whole split.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        drivable: bool = True,
        lanes: bool = True,
        alternative: bool = False,
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(BDD100K, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        kinds = ["drivable"] * drivable + ["lanes"] * lanes
        folders = find_folders(self.root, split, kinds)
        if alternative and "drivable" in folders.simple:
            raise ConfigError(
                "These masks do not tell direct from alternative drivable area",
                expected="labels/drivable/masks, as BDD100K publishes them",
                received=folders.masks["drivable"],
                where="BDD100K, alternative",
            )
        self.drivable_classes = ["background", *(["direct"] if alternative else ["drivable"])]
        self.drivable_classes += ["alternative"] * alternative
        self.lanes_classes = ["background", "lane"]
        self._masks = {
            kind: (folder, StreetMaskReader(kind, kind in folders.simple, alternative))
            for kind, folder in folders.masks.items()
        }
        sources = [folders.images, folders.boxes, *folders.masks.values()]
        super().__init__(
            partial(self._read, folders),
            None,
            folders.images,
            bad_boxes=bad_boxes,
            exif=exif,
            stored=Stored(
                [folders.boxes],
                str(self.root),
                partial(folder_state, [path for path in sources if path.is_dir()], (".json",)),
            ),
        )

    def __repr__(self) -> str:
        return f"BDD100K({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return has_folders(root)

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        return (*super().targets_of(index), *self._masks)

    def label_files(self, index: int) -> list[Path]:
        """The files of the masks."""
        name = f"{self.id_of(index)}.png"
        return [folder / name for folder, _ in self._masks.values()]

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        image_path = self.picture_file(index)
        size = (sample.image.shape[0], sample.image.shape[1])
        for kind, (folder, read_mask) in self._masks.items():
            sample.targets[kind] = read_mask(folder / f"{sample.id}.png", image_path, size)
        return sample

    def _read(self, folders: Folders) -> DatasetAnnotations:
        """Boxes of the pictures that have all labels."""
        pictures = {Path(name).stem: name for name in pictures_below(folders.images)}
        complete = set(pictures)
        for folder in folders.masks.values():
            complete &= {Path(name).stem for name in files_in(folder) if name.endswith(".png")}
        left_out = LeftOut()
        images: dict[str, ImageAnnotation] = {}
        for name, source, content in frames(folders.boxes, left_out):
            if name not in complete:
                continue
            error = content if isinstance(content, DataError) else None
            if name in images:
                error = DataError(f"The picture {name!r} has two frames", where=source)
            objects = [] if isinstance(content, DataError) else content
            images[name] = ImageAnnotation(name, pictures[name], objects, source, error=error)
        left_out.report(self, "their classes are not those of the benchmark")
        if len(images) < len(pictures):
            missing = sorted(set(pictures) - set(images))
            text = "%s: %d of %d pictures lack boxes%s, and are left out, the first: %s"
            kinds = "".join(f" or {kind}" for kind in folders.masks)
            warn_once(logger, text, self, len(missing), len(pictures), kinds, missing[0])
        if not images:
            raise DataError(
                "No picture has all labels",
                expected=f"a.jpg in {folders.images} and a frame in {folders.boxes}"
                + "".join(f", a.png in {folder}" for folder in folders.masks.values()),
                received=f"{len(pictures)} pictures",
                where=self.root,
            )
        return DatasetAnnotations([images[name] for name in sorted(images)], CLASSES)
