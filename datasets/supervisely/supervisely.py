"""Projects of Supervisely, as they are downloaded."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.coco.keypoints import Pairs, read_skeleton
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import Names, class_index, class_names, missing_split
from densefit.datasets.objects import DatasetAnnotations, ImageAnnotation, ObjectDataset, Stored
from densefit.datasets.objects.image_ids import image_ids
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.table_cache import digest
from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

from .meta import Meta, read_meta
from .project import TREE, AnnotationReader, ProjectImage, dataset_folders, project_images

logger = logging.getLogger(__name__)


@datasets.register("supervisely")
class Supervisely(ObjectDataset):
    """A project of Supervisely: `meta.json`, and datasets with `img` and `ann`, nested or not.

    A dataset by itself, as of old versions, is read, too, and so are annotations that are called
    `1.json` rather than `1.jpg.json`. Rectangles (also oriented), polygons with holes,
    multipolygons, bitmaps and graphs (the box around their nodes) are objects; those of one class
    and one binding key (`instance`) are one object. Later objects are painted over earlier ones.
    Points, lines and other kinds are counted (`left_out`) and left out. Positions are indices of
    pixels, and masks are equal to those that Supervisely's SDK draws. The tags "difficult" and
    "is_crowd" mark objects so; nodes that are disabled are hidden keypoints (visibility 1).

    Args:
        root: folder of the project.
        split: name of a dataset (with those in it), or a tag of images, or a text that is a tag's
            value; None: all images.
        classes: class names, a list or a file with one a line; objects of other classes of the
            project are left out. None: those of meta.json, in order; without it, the sorted names.
        boxes, masks, instances, labels, bad_boxes, exif: see `ObjectDataset`.
        keypoints: give the nodes of graphs as keypoints; other objects have none.
        flip_pairs: keypoints that change places in a mirrored image; None: by left and right in
            their names.
        missing_json: what an image without annotation file is: "raise" an error when it is read,
            since Supervisely writes one for each image, or "background".

    Attributes:
        left_out: kind of geometry -> number of them that are no objects.

    Raises:
        DataError: there is no project, or meta.json is broken. A broken annotation file is a fault
            of its image.
    """

    paints_in_order = True

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        classes: Names = None,
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        keypoints: bool = False,
        flip_pairs: Pairs = None,
        missing_json: str = "raise",
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(Supervisely, locals(), ("root", "split"))
        if missing_json not in ("raise", "background"):
            raise ConfigError(
                "Unknown way to treat images without an annotation file",
                expected="missing_json='raise' or 'background'",
                received=repr(missing_json),
                where="Supervisely",
            )
        self.root, self.split = Path(root), split
        listed = class_names(classes, self.root)

        def read() -> DatasetAnnotations:
            images = project_images(self.root) if self.root.is_dir() else []
            if not images:
                raise missing_layout(self.root, TREE, "There is no image", layout="supervisely")
            meta, left_out = _meta(self.root), LeftOut()
            reader = AnnotationReader(self.root, meta, masks or instances, exif, left_out)
            for image in images:
                reader.read(image)
            images = _of_split(images, split, self.root)
            _check_missing(images, missing_json, self.root)
            for name in listed or () if meta.kinds else ():
                class_index(name, list(meta.kinds), self.root / "meta.json")  # raises
            names = listed or list(meta.kinds)
            names = names or sorted({e.name for image in images for e in image.objects})
            skeleton = None
            if keypoints:
                categories = meta.categories(names)
                skeleton = read_skeleton(categories, flip_pairs, self.root / "meta.json")
            left_out.report(self, "they enclose no area, or are of a kind that is not read")
            annotations = _annotations(images, set(meta.kinds).difference(names))
            notes = {"left_out": dict(left_out.counts)}
            return DatasetAnnotations(annotations, names, skeleton, notes)

        super().__init__(
            read,
            None,
            self.root,
            boxes=boxes,
            masks=masks,
            instances=instances,
            labels=labels,
            bad_boxes=bad_boxes,
            exif=exif,
            stored=Stored(
                [self.root, self.root.parent / "meta.json"],
                digest(listed),
                partial(folder_state, [self.root], (".json",)),
            ),
        )
        self.left_out: dict[str, int] = self._table.meta["notes"]["left_out"]

    def __repr__(self) -> str:
        return f"Supervisely({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether the folder, or those in it, have `img` and `ann`."""
        return next(dataset_folders(root), None) is not None


def _meta(root: Path) -> Meta:
    for folder in (root, root.parent):  # of a project, and of a dataset by itself
        if (folder / "meta.json").is_file():
            return read_meta(folder / "meta.json")
    return Meta()


def _of_split(images: list[ProjectImage], split: str | None, root: Path) -> list[ProjectImage]:
    """The images of a dataset, or else those with a tag."""
    if split is None:
        return images
    folder = f"{split}/"
    chosen = [image for image in images if f"{image.dataset}/".startswith(folder)]
    if not chosen:
        tagged = {image.file for image in images if split in image.tags}
        # An image whose tags cannot be read is in each split, so that it is an error there.
        unread = {image.file for image in images if image.error is not None and not image.tags}
        chosen = [image for image in images if tagged and image.file in tagged | unread]
    if not chosen:
        present = {image.dataset for image in images} | {t for image in images for t in image.tags}
        raise missing_split(split, root, sorted(present - {""}))
    return chosen


def _check_missing(images: Sequence[ProjectImage], missing_json: str, root: Path) -> None:
    missing = [image for image in images if image.source is None]
    if not missing:
        return
    warn_once(
        logger,
        "%s: %d of %d images have no annotation file (missing_json=%r), the first: %s",
        *(root, len(missing), len(images), missing_json, missing[0].file),
    )
    for image in missing if missing_json == "raise" else ():
        image.error = DataError(
            "An image has no annotation file",
            where=root / image.file,
            fix="download the project again, or missing_json='background' if it has no objects",
        )


def _annotations(
    images: Sequence[ProjectImage], unselected: Collection[str]
) -> list[ImageAnnotation]:
    return [
        ImageAnnotation(
            key,
            image.file,
            [entry for entry in image.objects if entry.name not in unselected],
            image.source,
            image.size,
            error=image.error,
            is_measured=image.is_measured,
        )
        for key, image in zip(image_ids(image.name for image in images), images)
    ]
