"""YOLO: images with a label file each, as Ultralytics, Roboflow, Darknet and labelImg have them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.coco.keypoints import Pairs
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.missing_labels import check_labels
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.files.paths import Name
from densefit.datasets.objects import DatasetAnnotations, ImageAnnotation, ObjectDataset, Stored
from densefit.datasets.objects.skeleton import Skeleton
from densefit.datasets.objects.table_cache import digest
from densefit.errors import DataError

from .class_numbers import class_numbers, names_beside
from .description import Description, read_description
from .keypoints import skeleton_of
from .label_file import read_labels
from .split_images import TREE, find_label_files, label_file, split_images

_FILES = (".txt", ".yaml", ".yml", ".data", ".names", ".labels")


@datasets.register("yolo")
class YOLO(ObjectDataset):
    """Images with a text file of labels each, in the layouts of YOLO.

    The label file of `images/train/a.jpg` is `labels/train/a.txt`, that of `train/images/a.jpg` is
    `train/labels/a.txt`, and elsewhere it lies beside the image. An image whose label file is
    missing or empty has no objects; a warning counts the missing ones.

    `data.yaml` (or the only *.yaml file) names the classes and, for each split, a folder, a list of
    folders or a .txt file of paths. Its paths may be of another machine: they are looked for below
    `root` by their last parts, so `../train/images` is `train/images`. Without it, `obj.data` names
    them as in Darknet, or `classes.txt` or `obj.names` names the classes, and splits are the
    folders `images/<split>`, `<split>/images` or `<split>`, or a list `<split>.txt`.

    A label is a line `class x y width height`, the centre and size in parts of the image;
    `class x1 y1 x2 y2 x3 y3 ...`, a polygon, whose box is its extent; or a box and its keypoints,
    if `data.yaml` has a `kpt_shape`. Files may mix the first two. A line that is repeated in a file
    counts once; the others are treated as bad boxes are. Keypoints are continuous coordinates:
    nothing is added. With two values each, (0, 0) is not labelled.

    Args:
        root: the folder, or its data.yaml.
        split: train, val (also called valid or validation) or test; None: all images below
            `images`, or below `root`.
        classes: class names in index order, a list or a file with one a line. None: those of
            data.yaml, obj.data or the list, by number. If these have no names, the classes are
            those of the numbers from 0.
        boxes, masks, instances, labels, bad_boxes, exif: see `ObjectDataset`. Masks and instances
            are of the polygons; with them, labels that are boxes are treated as bad boxes are.
        keypoints: give the keypoints of the boxes.
        flip_pairs: with keypoints, names of those that change places in a mirrored image. None:
            by `flip_idx` of data.yaml, or by their names.
        data_yaml: path of data.yaml, where it is not in `root` or has another name.
        image_folder: name of the folders of images.
        label_folder: name of the folders of labels.

    Raises:
        ConfigError: settings that contradict each other.
        DataError: the split, its images, all label files or the class names are missing, or
            keypoints are wanted and there are none. What is wrong with one label file raises when
            its image is read.
    """

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
        data_yaml: str | Path | None = None,
        image_folder: str = "images",
        label_folder: str = "labels",
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(YOLO, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        if self.root.is_file():
            self.root, data_yaml = self.root.parent, self.root
        if not self.root.is_dir():
            raise DataError("There is no such folder", where=self.root)
        description = read_description(self.root, data_yaml)

        def read() -> DatasetAnnotations:
            images = split_images(self.root, split, description, image_folder)
            if not images:
                tree = TREE.format(split=split or "train")
                raise missing_layout(self.root, tree, "There are no images", layout="yolo")
            label_files = find_label_files(self.root, images, image_folder, label_folder)
            expected = partial(label_file, image_folder=image_folder, label_folder=label_folder)
            check_labels(self, self.root, images, label_files, expected)
            numbers = dict(description.names) or names_beside(self.root, label_files)
            class_list, numbers = class_numbers(
                self.root, names, numbers, description.source, description.has_placeholders
            )
            skeleton = _skeleton(description, flip_pairs, self.root) if keypoints else None
            annotations = self._annotations(images, label_files, numbers, description)
            return DatasetAnnotations(annotations, class_list, skeleton)

        names = None if classes is None else class_names(classes, self.root)
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
                [self.root],
                digest((names, description)),
                partial(folder_state, [self.root], _FILES),
            ),
        )

    def __repr__(self) -> str:
        return f"YOLO({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        if (root / "data.yaml").is_file() or any(root.glob("*.data")):
            return True
        pairs = (("images", "labels"), ("train/images", "train/labels"))
        return any((root / a).is_dir() and (root / b).is_dir() for a, b in pairs)

    def _annotations(
        self,
        images: Sequence[Name],
        label_files: Sequence[str | None],
        names: Mapping[int, str],
        description: Description,
    ) -> Iterator[ImageAnnotation]:
        """Read the label file of each image."""
        stems = [os.path.splitext(image)[0] for image in images if isinstance(image, str)]
        has_doubles = len(set(stems)) < len(stems)
        for number, (image, file) in enumerate(zip(images, label_files), 1):
            if isinstance(image, DataError):
                name = f"{self.split}, image {number}"
                yield ImageAnnotation(name, name, error=image)
                continue
            name = image if has_doubles else os.path.splitext(image)[0]
            if file is None:
                yield ImageAnnotation(name, image, is_relative=True)
                continue
            path = self.root / file
            try:
                objects = read_labels(path, names, description.keypoints)
            except DataError as error:
                yield ImageAnnotation(name, image, source=path, is_relative=True, error=error)
                continue
            yield ImageAnnotation(name, image, objects, path, is_relative=True)


def _skeleton(description: Description, flip_pairs: Pairs, root: Path) -> Skeleton:
    """Names of the keypoints, and which change places in a mirrored image."""
    return skeleton_of(
        description.keypoints,
        description.keypoint_names,
        description.flip_idx,
        flip_pairs,
        description.source or root,
    )
