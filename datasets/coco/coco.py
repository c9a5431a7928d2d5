"""COCO: boxes, masks painted from the segmentations, labels and keypoints of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.files.paths import Name, check_file
from densefit.datasets.objects.object_dataset import ObjectDataset
from densefit.datasets.objects.object_table import ObjectTable
from densefit.datasets.objects.table_cache import TableCache
from densefit.errors import DataError

from .annotation_file import find_files
from .content import category_names
from .file_names import FileNames
from .group_category import warn_of_group
from .keypoints import Pairs
from .layout import BySplit, is_coco_folder
from .table_collector import TableSettings, class_list, kept_skeleton
from .table_reader import TableReader

_FILES = ("json_path", "image_root", "root", "split", "annotations", "images")


@datasets.register("coco")
class COCO(ObjectDataset):
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

    _noun = "pictures"

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
        self._unusual = unusual(COCO, locals(), _FILES)
        files = find_files(
            *(json_path, image_root, root, split, keypoints, keypoints_path, annotations, images)
        )
        names = None if classes is None else class_names(classes, files.images)
        outlined = masks or instances
        settings = TableSettings(files, names, outlined, keypoints, flip_pairs, bad_boxes, exif)
        table = _read(settings)
        self.json_path = Path(table.meta["path"])
        if table.meta["group"] is not None:
            warn_of_group(table.meta["group"], self.json_path)
        categories = table.meta["categories"]
        by_id = category_names({"categories": categories})
        self.classes = class_list(names, by_id, self.json_path)
        ids = {name: key for key, name in by_id.items()}
        self.category_ids = [ids[name] for name in self.classes]
        skeleton = None
        if keypoints:
            path, categories = table.meta["keypoints"]
            skeleton = kept_skeleton(categories, self.classes, flip_pairs, path)
            having = {str(entry["name"]) for entry in categories if entry.get("keypoints")}
            self.keypoint_classes = [name for name in self.classes if name in having]
        self._names = FileNames(table, files.images, self.json_path)
        super().__init__(
            table,
            self.classes,
            files.images,
            masks=masks,
            instances=instances,
            labels=labels,
            skeleton=skeleton,
            bad_boxes=bad_boxes,
            exif=exif,
        )

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return is_coco_folder(root)

    def __repr__(self) -> str:
        return f"COCO({str(self.json_path)!r}{self._unusual})"

    @property
    def faults(self) -> Mapping[int, DataError]:
        """Image index -> why its sample cannot be read."""
        return {**self._names.errors, **self._table.errors}

    def picture_file(self, index: int) -> Path:
        """The file of the image. Raises DataError if there is none below `image_root`."""
        return check_file(self.image_root / self._names[index], self.source_of(index))

    def file_names(self) -> Sequence[Name]:
        """Path of each image below `image_root`, or why there is none."""
        return self._names.all()

    def source_of(self, index: int) -> str:
        """The annotation file and the image's id, for errors."""
        return f"{self.json_path}, image {self._table.ids[index]}"


def _read(settings: TableSettings) -> ObjectTable:
    """The table of the files, out of its cache if there is one."""
    files, reader = settings.files, TableReader(settings)
    sources = [path for path in (files.annotations, files.keypoints) if path is not None]
    cache = TableCache(sources, repr(settings), files.annotations.stem, files.images)
    return cache.load() or cache.store(reader.read, reader.digests)
