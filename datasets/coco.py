"""COCO: boxes, masks painted from the segmentations, and keypoints, out of one JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.image import read_image
from densefit.data.sample import Sample, datasets
from densefit.errors import ConfigError, DataError

from .boxes import BoxCheck, box_targets, check_size, clip_box
from .coco_keypoints import Pairs, Skeleton, read_points, read_skeleton
from .coco_mask import paint, paint_instances
from .labels import labels_of
from .names import Names, class_index, class_names, missing_split


@datasets.register("coco")
class COCO:
    """The pictures of a COCO instances file; those without annotations belong to it.

    Give the file and the pictures' folder, or `root` and `split` for the usual layout:
    `annotations/instances_<split>.json` (with keypoints `person_keypoints_<split>.json`),
    `images/<split>/` (or `<split>/`).

    Category ids, which may have gaps, become indices into `classes`. A sample's id is the image
    id as text.

    Args:
        json_path: the instances file.
        image_root: folder that the `file_name`s are below.
        classes: names of the categories to keep, in index order: a list, or a file with one a
            line. None: all, by category id. Annotations of others are left out.
        root: folder of the usual layout, in place of the first two.
        split: with `root`, such as "train2017".
        masks: give masks painted from the segmentations, small objects on top: 0 is background,
            i + 1 is class i, crowds are 255.
        instances: give `instances`, `instance_ids` and `instance_masks` (see `Sample`) of the
            segmentations; crowds too, which `crowd` tells.
        bad_boxes: "drop" (with a count, `dropped`, and a warning) or "raise" boxes without area.
        exif: turn pictures as their EXIF orientation says.
        labels: give `labels`: 1 for each class that the picture has an object (or a crowd) of, 0
            for the others.
        keypoints: give the keypoints of each box; half a pixel is added to the file's places,
            which are indices of pixels. Objects of categories without any have none labelled.
        flip_pairs: with keypoints, names of those that change places in a mirrored picture. None:
            `left_x` and `right_x`.

    Attributes:
        classes: names of the kept categories.
        mask_classes: "background" and those.
        category_ids: category id of each class, to write results in COCO's own numbers.
        dropped: number of bad boxes left out.
        keypoint_names: with keypoints, what they are called.
        limbs: pairs of names that the file's skeleton joins.
        flip_pairs: pairs of names that change places in a mirrored picture.

    Raises:
        ConfigError: neither or both of the two ways to say where the files are.
        DataError: the file is missing, broken or has annotations of pictures that it does not
            contain. A picture with an annotation that is not usable raises when it is read.
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
    ) -> None:
        kind = "person_keypoints" if keypoints else "instances"
        self.json_path, self.image_root = _places(json_path, image_root, root, split, kind)
        self.masks, self.instances, self.labels = masks, instances, labels
        self.exif = exif
        content = _read_json(self.json_path)
        names = {int(one["id"]): str(one["name"]) for one in content["categories"]}
        self.classes = self._wanted(classes, names)
        ids = {name: key for key, name in names.items()}
        self.category_ids = [ids[name] for name in self.classes]
        self.mask_classes = ["background", *self.classes]
        self._skeleton: Skeleton | None = None
        if keypoints:
            kept = [one for one in content["categories"] if str(one["name"]) in self.classes]
            self._skeleton = read_skeleton(kept, flip_pairs, self.json_path)
            self.keypoint_names = self._skeleton.names
            self.limbs, self.flip_pairs = self._skeleton.limbs, self._skeleton.flip_pairs
        self._images = content["images"]
        self._check = BoxCheck(bad_boxes)
        self._broken: dict[Any, DataError] = {}  # by image id, raised when the sample is read
        self._objects = self._by_image(content["annotations"], names)
        self._check.report(self)
        self.dropped = self._check.dropped

    def __len__(self) -> int:
        return len(self._images)

    def __repr__(self) -> str:
        return f"COCO({str(self.json_path)!r})"

    def id_of(self, index: int) -> str:
        """The image id."""
        return str(self._images[index]["id"])

    def __getitem__(self, index: int) -> Sample:
        entry = self._images[index]
        if entry["id"] in self._broken:
            raise self._broken[entry["id"]].with_traceback(None)
        path = self.image_root / entry["file_name"]
        image = read_image(path, self.exif)
        size = (image.shape[0], image.shape[1])
        where = f"{self.json_path}, image {entry['id']}"
        check_size((int(entry["height"]), int(entry["width"])), size, path, where)
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

    def _wanted(self, classes: Names, names: dict[int, str]) -> list[str]:
        known = [names[key] for key in sorted(names)]
        if len(set(known)) < len(known) or not known:
            raise DataError(
                "The categories must have different names", received=known, where=self.json_path
            )
        if classes is None:
            return known
        wanted = class_names(classes, self.image_root) or known
        for name in wanted:
            class_index(name, known, self.json_path)
        return wanted

    def _by_image(
        self, annotations: list[dict[str, Any]], names: dict[int, str]
    ) -> dict[Any, list[dict[str, Any]]]:
        """Usable objects by image id, in the file's order; notes images with broken ones."""
        sizes = {one["id"]: (int(one["height"]), int(one["width"])) for one in self._images}
        if len(sizes) < len(self._images) or not sizes:
            raise DataError(
                "The pictures must have different ids",
                received=f"{len(self._images)} pictures, {len(sizes)} ids",
                where=self.json_path,
            )
        index = {name: i for i, name in enumerate(self.classes)}
        objects: dict[Any, list[dict[str, Any]]] = {key: [] for key in sizes}
        for one in annotations:
            where = f"{self.json_path}, annotation {one.get('id')}"
            key = one.get("image_id")
            if not isinstance(key, (int, str)) or key not in sizes:
                raise DataError(
                    "An annotation belongs to no picture of the file", received=key, where=where
                )
            try:
                found = self._object(one, names, index, sizes[key], where)
            except DataError as error:
                self._broken.setdefault(key, error)
                continue
            if found is not None:
                objects[key].append(found)
        return objects

    def _object(
        self,
        one: dict[str, Any],
        names: dict[int, str],
        index: dict[str, int],
        size: tuple[int, int],
        where: str,
    ) -> dict[str, Any] | None:
        """An annotation as `paint` and the targets need it; None if it is left out."""
        try:
            name = names[one["category_id"]]
            x, y, width, height = (float(value) for value in one["bbox"])
            area = float(one.get("area", width * height))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "An annotation is not usable",
                expected="category_id of this file, bbox [x, y, width, height], area a number",
                received=f"{type(error).__name__}: {error}",
                where=where,
            ) from error
        if name not in index:
            return None
        box = clip_box((x, y, x + width, y + height), *size)
        if not (box[2] > box[0] and box[3] > box[1]):  # also catches nan
            self._check.reject("has no area in its picture", one["bbox"], where)
            return None
        points = None
        if self._skeleton is not None:
            points = read_points(one, len(self._skeleton.names), size, where)
        return {
            "box": box,
            "class": index[name],
            "crowd": bool(one.get("iscrowd", 0)),
            "area": area,
            "segmentation": one.get("segmentation") if self.masks or self.instances else None,
            "keypoints": points,
        }


def _places(
    json_path: str | Path | None,
    image_root: str | Path | None,
    root: str | Path | None,
    split: str | None,
    kind: str,
) -> tuple[Path, Path]:
    """The annotation file and the folder of the pictures."""
    if json_path is not None and image_root is not None and root is None and split is None:
        return Path(json_path), Path(image_root)
    if root is None or split is None or json_path is not None or image_root is not None:
        raise ConfigError(
            "A COCO data set is found either by its file or by its layout",
            expected="json_path and image_root, or root and split",
            received=f"json_path={json_path}, image_root={image_root}, root={root}, split={split}",
            where="COCO",
        )
    root = Path(root)
    path = root / "annotations" / f"{kind}_{split}.json"
    if not path.is_file():
        found = (root / "annotations").glob(f"{kind}_*.json")
        raise missing_split(split, path, [one.stem[len(kind) + 1 :] for one in found])
    images = root / "images" / split
    return path, images if images.is_dir() else root / split


def _read_json(path: Path) -> dict[str, Any]:
    """The content of an instances file, with its three lists."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"The annotations cannot be read: {error.strerror or error}", where=path
        ) from error
    except ValueError as error:
        raise DataError(f"The annotations are not valid JSON: {error}", where=path) from error
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name), list) for name in lists
    ):
        raise DataError(
            "The annotations are not those of COCO instances",
            expected=f"an object with the lists {', '.join(lists)}",
            received=sorted(content) if isinstance(content, dict) else type(content).__name__,
            where=path,
        )
    for name, fields in (
        ("images", ("id", "file_name", "height", "width")),
        ("categories", ("id", "name")),
    ):
        for number, entry in enumerate(content[name]):
            missing = [field for field in fields if field not in entry]
            if missing:
                raise DataError(
                    f"An entry lacks {', '.join(missing)}", where=f"{path}, {name}[{number}]"
                )
    return content
