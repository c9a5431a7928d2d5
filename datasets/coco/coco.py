"""COCO: boxes, masks painted from the segmentations, labels and keypoints of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.boxes import BoxCheck, box_targets, check_size
from densefit.datasets.files.labels import labels_of
from densefit.datasets.files.masks import check_count
from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.names import Names, class_index, class_names
from densefit.datasets.files.paths import check_file, names_below
from densefit.datasets.files.picture_size import picture_size
from densefit.datasets.objects.masks import paint, paint_instances
from densefit.errors import DataError

from .annotation_file import category_names, find_files, in_order, read_files, stated_size
from .group_category import without_group
from .ids import Id
from .keypoint_join import keypoints_by_id
from .keypoints import Pairs, Skeleton, read_skeleton
from .layout import BySplit, is_coco_folder
from .objects import ObjectReader, Points


@datasets.register("coco")
class COCO:
    """The pictures of a COCO instances file; those without annotations belong to it.

    Give the file and the pictures' folder, or `root` and `split` for the usual layout:
    `annotations/instances_<split>.json`, `images/<split>/` (or `<split>/`, or `images/`), and for
    keypoints `annotations/person_keypoints_<split>.json`. The latter has persons only: its
    keypoints are joined, by annotation id, to the objects of the former. It is read alone if all
    `classes` are in it, or if there is no other. Roboflow's export,
    `<split>/_annotations.coco.json` with the pictures beside it, and `annotations/<split>.json`
    are read, too; `annotations` and `images` name any others. Without `split` one file has all
    pictures: `annotations/instances_default.json` of CVAT, or the only one there is.

    The first category of Roboflow's files is no class: it names the group that all others are of,
    and is left out, with a warning, unless it has annotations.

    Category ids, which may have gaps, become indices into `classes`. A sample's id is the image
    id as text. A picture whose `height` and `width` the file does not state, or states as 0, tells
    them itself. A `file_name` is a path below the folder; see `names_below` for those that begin
    elsewhere.

    Args:
        json_path: the instances file.
        image_root: folder that the `file_name`s are below.
        classes: names of the categories to keep, in index order: a list, or a file with one a
            line. None: all, by category id. Annotations of others are left out.
        root: folder of the usual layout, in place of the first two.
        split: with `root`, such as "train2017". None: one file has all pictures.
        masks: give masks painted from the segmentations, small objects on top: 0 is background,
            i + 1 is class i, crowds are 255. That is for 254 classes at most.
        instances: give `instances`, `instance_ids` and `instance_masks` (see `Sample`) of the
            segmentations; crowds too, which `crowd` tells.
        bad_boxes: "drop" (with a count, `dropped`, and a warning) or "raise" objects that cannot
            be used: boxes without area, outside of the picture or of no finite numbers; and, with
            `masks` or `instances`, segmentations that are empty, of fewer than three corners, of no
            finite numbers, or whose runs do not fill the picture.
        exif: turn pictures as their EXIF orientation says.
        labels: give `labels`: 1 for each class that the picture has an object (or a crowd) of, 0
            for the others.
        keypoints: give the keypoints of each box; half a pixel is added to the file's places,
            which are indices of pixels. Objects of categories without any have none labelled, nor
            have those that the file with keypoints lacks.
        flip_pairs: with keypoints, names of those that change places in a mirrored picture. None:
            those that have a left and a right by their names (left_x, x_left, LeftX, l_x...).
        keypoints_path: a file that has the keypoints of the same annotations, where neither
            `json_path` nor the usual layout has them.
        annotations: with `root`, the file of each split, {"train": "a.json", "val": "b.json"}, or
            one path with "{split}" in it; without `split`, the file. Paths below `root`.
        images: with `root`, the folder of each split, or one path, with "{split}" in it or not.

    Attributes:
        classes: names of the kept categories.
        mask_classes: "background" and those.
        category_ids: category id of each class, to write results in COCO's own numbers.
        dropped: number of objects left out.
        keypoint_names: with keypoints, what they are called.
        keypoint_classes: the kept categories that have any.
        limbs: pairs of names that the file's skeleton joins.
        flip_pairs: pairs of names that change places in a mirrored picture.

    Raises:
        ConfigError: neither or both of the two ways to say where the files are; a file of
            keypoints, and none are wanted; or more classes than masks hold.
        DataError: a file is missing, broken or has annotations of pictures that it does not
            contain, or two files disagree (see `keypoints_by_id`). A picture with an annotation
            that is not usable raises when it is read.
    """

    def __init__(
        self,
        json_path: str | Path | None = None,
        image_root: str | Path | None = None,
        classes: Names = None,
        root: str | Path | None = None,
        split: str | None = None,
        masks: bool = False,
        bad_boxes: str = "drop",
        exif: bool = True,
        instances: bool = False,
        labels: bool = False,
        keypoints: bool = False,
        flip_pairs: Pairs = None,
        keypoints_path: str | Path | None = None,
        annotations: BySplit = None,
        images: BySplit = None,
    ) -> None:
        places = ("json_path", "image_root", "root", "split", "annotations", "images")
        self._unusual = unusual(COCO, locals(), places)
        files = find_files(
            *(json_path, image_root, root, split, keypoints, keypoints_path, annotations, images)
        )
        self.image_root = files.images
        self.masks, self.instances, self.labels = masks, instances, labels
        self.exif = exif
        wanted = None if classes is None else class_names(classes, self.image_root)
        self.json_path, content, further = read_files(files, wanted)
        if wanted is None:
            content["categories"] = without_group(content, self.json_path)
        names = category_names(content)
        self.classes = _known(wanted, names, self.json_path)
        if masks:
            check_count(1 + len(self.classes), f"{self.json_path}, masks=True")
        ids = {name: key for key, name in names.items()}
        self.category_ids = [ids[name] for name in self.classes]
        self.mask_classes = ["background", *self.classes]
        self._skeleton: Skeleton | None = None
        points = None
        if keypoints:
            source = content if further is None else further
            path = self.json_path if files.keypoints is None else files.keypoints
            self._skeleton = self._described(source["categories"], flip_pairs, path)
            by_id = None
            if further is not None:
                by_id = keypoints_by_id(content, self.json_path, further, path)
            points = Points(len(self._skeleton.names), by_id, path)
        self._images = content["images"]
        self._files = names_below(
            [one["file_name"] for one in self._images], self.image_root, self.json_path
        )
        warn_of_absent(self, self._files, self.image_root, "pictures")
        self._sizes = self._found_sizes()
        check = BoxCheck(bad_boxes)
        index = {name: i for i, name in enumerate(self.classes)}
        reader = ObjectReader(self.json_path, names, index, check, masks or instances, points)
        # Broken ones, by image id too, are raised when the sample is read.
        self._objects, self._broken = reader.by_image(self._sizes, content["annotations"])
        check.report(self)
        self.dropped = check.dropped

    def _found_sizes(self) -> dict[Id, tuple[int, int] | DataError]:
        """Image id -> (height, width) as the file states it; if it does not, the picture tells."""
        sizes: dict[Id, tuple[int, int] | DataError] = {}
        for number, one in enumerate(self._images):
            try:
                size = stated_size(one, f"{self.json_path}, image {one['id']}")
                sizes[one["id"]] = size or picture_size(self.picture_file(number), self.exif)
            except DataError as error:
                sizes[one["id"]] = error
        if len(sizes) < len(self._images) or not sizes:
            raise DataError(
                "The pictures must have different ids",
                received=f"{len(self._images)} pictures, {len(sizes)} ids",
                where=self.json_path,
            )
        return sizes

    def _described(
        self, categories: list[dict[str, Any]], flip_pairs: Pairs, path: Path
    ) -> Skeleton:
        """What the kept categories say about keypoints, which becomes attributes."""
        kept = [one for one in categories if str(one["name"]) in self.classes]
        skeleton = read_skeleton(kept, flip_pairs, path)
        having = {str(one["name"]) for one in kept if one.get("keypoints")}
        self.keypoint_classes = [name for name in self.classes if name in having]
        self.keypoint_names = skeleton.names
        self.limbs, self.flip_pairs = skeleton.limbs, skeleton.flip_pairs
        return skeleton

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return is_coco_folder(root)

    def __len__(self) -> int:
        return len(self._images)

    def __repr__(self) -> str:
        return f"COCO({str(self.json_path)!r}{self._unusual})"

    def id_of(self, index: int) -> str:
        """The image id."""
        return str(self._images[index]["id"])

    def picture_file(self, index: int) -> Path:
        """The file of the picture. Raises DataError if there is none below `image_root`."""
        name = self._files[index]
        if isinstance(name, DataError):
            raise name.with_traceback(None)
        where = f"{self.json_path}, image {self._images[index]['id']}"
        return check_file(self.image_root / name, where)

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        names = ["boxes", "classes", "difficult", "crowd", "area"]
        names += ["mask"] * self.masks + ["labels"] * self.labels
        names += ["instances", "instance_ids", "instance_masks"] * self.instances
        return (*names, *(["keypoints", "keypoint_flip"] if self._skeleton is not None else ()))

    def __getitem__(self, index: int) -> Sample:
        entry = self._images[index]
        if entry["id"] in self._broken:
            raise self._broken[entry["id"]].with_traceback(None)
        path = self.picture_file(index)
        image = read_image(path, self.exif)
        size = (image.shape[0], image.shape[1])
        where = f"{self.json_path}, image {entry['id']}"
        stated = self._sizes[entry["id"]]
        if isinstance(stated, tuple):
            check_size(stated, size, path, where)
        objects = self._objects[entry["id"]]
        targets = box_targets(
            [one["box"] for one in objects],
            [one["class"] for one in objects],
            [False] * len(objects),
            [one["crowd"] for one in objects],
            [one["area"] for one in objects],
        )
        if self.masks:
            targets["mask"] = paint(objects, size, where)
        if self.instances:
            painted, whole = paint_instances(objects, size, where)
            ids = np.arange(1, len(objects) + 1, dtype=np.int64)
            targets.update(instances=painted, instance_ids=ids, instance_masks=whole)
        if self.labels:
            shown = [one["class"] for one in objects]
            targets["labels"] = labels_of(shown, [False] * len(shown), len(self.classes))
        if self._skeleton is not None:
            points = [one["keypoints"] for one in objects]
            count = len(self._skeleton.names)
            targets["keypoints"] = np.array(points, np.float32).reshape(-1, count, 3)
            targets["keypoint_flip"] = self._skeleton.flip
        return Sample(self.id_of(index), image, targets)


def _known(wanted: list[str] | None, names: dict[Id, str], path: Path) -> list[str]:
    """The wanted classes, all by category id if none are said."""
    known = [names[key] for key in in_order(names)]
    if len(set(known)) < len(known) or not known:
        raise DataError("The categories must have different names", received=known, where=path)
    for name in wanted or ():
        class_index(name, known, path)
    return known if wanted is None else wanted
