"""Cityscapes: street scenes with class masks, and with instances for panoptic heads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densefit.data.geometry.instance_map import extents
from densefit.data.io.index_image import read_ids
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.boxes import box_targets
from densefit.datasets.files.masks import IGNORE, MaskReader
from densefit.datasets.files.name_pattern import NamePattern
from densefit.datasets.files.picture_size import check_map_size

from .file_pairs import matched_pairs
from .folders import check_split_folders
from .mask_dataset import MaskDataset

#: Label id of the files -> class that is trained and scored; other ids are void.
LABEL_IDS = {
    7: "road",
    8: "sidewalk",
    11: "building",
    12: "wall",
    13: "fence",
    17: "pole",
    19: "traffic light",
    20: "traffic sign",
    21: "vegetation",
    22: "terrain",
    23: "sky",
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}
_THINGS = tuple(label_id for label_id in LABEL_IDS if label_id >= 24)
_PER_CLASS = 1000  # an instance's id is 1000 times its label id, plus its number

TREE = """
    leftImg8bit/{split}/CITY/CITY_000000_000019_leftImg8bit.png
    {annotations}/{split}/CITY/CITY_000000_000019_{annotations}_labelIds.png
"""


@datasets.register("cityscapes")
class Cityscapes(MaskDataset):
    """Cityscapes, as its archives are unpacked: leftImg8bit and gtFine side by side.

    `mask` has the 19 classes of the benchmark, in the order of their train ids; all other label
    ids, among them 255, are void. The files of label ids are read, so the preparation of
    labelTrainIds is not needed. The masks of the test split are dummies without a class.

    With `instances` the classes of objects are the 8 things, `mask_classes` are the 19. Groups
    that the files give no number (an id below 1000) are one object with `crowd`.

    Args:
        root: folder with leftImg8bit and gtFine.
        split: "train", "val" or "test"; "train_extra" has coarse annotations only.
        annotations: "gtFine" or "gtCoarse".
        instances: give boxes and instances of the things out of the files of instanceIds.
        exif: turn images as their EXIF orientation says.

    Attributes:
        classes, mask_classes: names; see `instances`.

    Raises:
        DataError: a folder is missing, or no image has a mask; when read: missing or broken files.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        annotations: str = "gtFine",
        instances: bool = False,
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(Cityscapes, locals(), ("root", "split"))
        self.split, self.instances = split, instances
        root = Path(root)
        images = NamePattern(f"leftImg8bit/{split}/{{name}}_leftImg8bit")
        masks = NamePattern(f"{annotations}/{split}/{{name}}_{annotations}_labelIds.png")
        tree = TREE.format(split=split, annotations=annotations)
        check_split_folders(root, split, (images, masks), tree, "cityscapes")
        self.mask_classes = list(LABEL_IDS.values())
        values = {value: IGNORE for value in range(256)}
        values.update({label_id: index for index, label_id in enumerate(LABEL_IDS)})
        pairs = matched_pairs(images, masks, root, "unpack the archives side by side")
        classes = [LABEL_IDS[i] for i in _THINGS] if instances else self.mask_classes
        super().__init__(root, pairs, classes, MaskReader(len(self.mask_classes), values), exif)

    def __repr__(self) -> str:
        return f"Cityscapes({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return all((root / name).is_dir() for name in ("leftImg8bit", "gtFine"))

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        objects = ("boxes", "classes", "difficult", "crowd", "area", "instances", "instance_ids")
        return ("mask", *(objects if self.instances else ()))

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        if self.instances:
            image_path, mask_path = self._files_of(index)
            path = mask_path.with_name(mask_path.name.replace("_labelIds.", "_instanceIds."))
            height, width = sample.targets["mask"].shape
            sample.targets.update(read_objects(path, image_path, (height, width)))
        return sample


def read_objects(path: Path, image_path: Path, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Targets of the things in a file of instance ids.

    Args:
        path: the file.
        image_path: its image, for the message.
        size: (height, width) of the image.

    Raises:
        DataError: the file is missing, broken or of another size.
    """
    ids = read_ids(path)
    check_map_size("A map of instances", ids.shape, size, path, image_path)
    ids = ids.astype(np.uint16)
    label_ids = np.where(ids < _PER_CLASS, ids, ids // _PER_CLASS)
    instances = np.where(np.isin(label_ids, _THINGS), ids, 0).astype(np.uint16)
    numbers, boxes = extents(instances)
    areas = np.bincount(instances.ravel(), minlength=1)[numbers]
    things = [int(n if n < _PER_CLASS else n // _PER_CLASS) for n in numbers]
    targets = box_targets(
        boxes.tolist(),
        [_THINGS.index(label_id) for label_id in things],
        [False] * len(numbers),
        [bool(number < _PER_CLASS) for number in numbers],
        [float(area) for area in areas],
    )
    return {**targets, "instances": instances, "instance_ids": numbers.astype(np.int64)}
