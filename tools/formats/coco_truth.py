"""Read and check the ground truth in a COCO annotation file: boxes, masks or keypoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.json_file import read_json
from densefit.errors import DataError

from .coco_columns import boxes, by_picture, keypoints, mask_areas
from .coco_ids import Picture, indices, read_categories, read_pictures
from .coco_rle import run_lengths
from .json_records import Id, Records


@dataclass(frozen=True)
class Truth:
    """Content of an annotation file.

    Attributes:
        path: the file.
        pictures: all images, with and without annotations.
        index_by_id: image id -> index into `pictures`.
        classes: names, sorted by category id; the id is appended to a name that occurs twice.
        labels: category id -> index into `classes`.
        keypoints: number of keypoints of an object; 0 unless they are scored.
        targets: ground truth of each image, as the COCO metrics take it.
        notes: remarks on the scores, a line each.
    """

    path: Path
    pictures: list[Picture]
    index_by_id: Mapping[Id, int]
    classes: list[str]
    labels: Mapping[Id, int]
    keypoints: int
    targets: list[dict[str, Any]]
    notes: list[str]

    def sizes(self, image_indices: np.ndarray, records: Records) -> list[tuple[int, int]]:
        """(height, width) of the images of records; raise DataError if one is not stated."""
        sizes = []
        for index, image_index in enumerate(image_indices.tolist()):
            size = self.pictures[image_index].size
            if size is None:
                raise records.error(
                    index,
                    "The size of the record's image is missing, which masks need",
                    expected=f"height and width of image {self.pictures[image_index].id!r}",
                    fix=f"write them into {self.path}",
                )
            sizes.append(size)
        return sizes


def read_truth(path: Path, kind: str) -> Truth:
    """Read an annotation file.

    Args:
        path: a JSON file with "images", "annotations" and "categories".
        kind: "bbox", "segm" or "keypoints".

    Raises:
        DataError: an invalid file or record.
    """
    content = read_json(path, "annotations")
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not set(lists) <= set(content):
        raise DataError(
            "The annotations are not a COCO file",
            expected=f"an object with the lists {', '.join(lists)}",
            received=f"an object with {', '.join(content) or 'nothing'}"
            if isinstance(content, dict)
            else f"a {type(content).__name__}",
            where=path,
            fix="is this the results file?" if isinstance(content, list) else None,
        )
    images, annotations, categories = (Records.of(content[name], path, name) for name in lists)
    pictures = read_pictures(images)
    classes, labels = read_categories(categories)
    truth = Truth(
        path,
        pictures,
        {picture.id: index for index, picture in enumerate(pictures)},
        classes,
        labels,
        keypoint_count(categories, annotations) if kind == "keypoints" else 0,
        [],
        [],
    )
    image_indices = indices(annotations, "image_id", truth.index_by_id, "image of the file")
    columns: dict[str, Any] = {
        "classes": indices(annotations, "category_id", labels, "category of the file"),
        "crowd": _crowds(annotations),
    }
    extent = _objects(annotations, kind, truth, image_indices, columns)
    columns["area"] = annotations.numbers("area", extent.tolist(), least=0.0)
    lacking = sum(value is None for value in annotations.column("area"))
    if lacking:
        truth.notes.append(
            f"{lacking} of {len(annotations)} annotations have no area: the area of the "
            f"{'mask' if kind == 'segm' else 'box'} is used"
        )
    ids = [value for value in annotations.column("id") if value is not None]
    if len(set(map(str, ids))) < len(ids):
        truth.notes.append(
            "annotation ids are not unique: each annotation counts here; pycocotools would confuse "
            "them"
        )
    truth.targets.extend(by_picture(columns, image_indices, len(pictures)))
    return truth


def _objects(
    annotations: Records,
    kind: str,
    truth: Truth,
    image_indices: np.ndarray,
    columns: dict[str, Any],
) -> np.ndarray:
    """Add boxes, masks or keypoints to the columns; return the area of each object."""
    if kind == "segm":
        columns["masks"] = run_lengths(annotations, truth.sizes(image_indices, annotations))
        return mask_areas(columns["masks"])
    columns["bbox"] = boxes(annotations)
    if kind == "keypoints":
        columns["keypoints"] = keypoints(annotations, truth.keypoints)
        _check_counts(annotations, columns["keypoints"])
    return np.asarray(columns["bbox"][:, 2] * columns["bbox"][:, 3])


def _crowds(annotations: Records) -> np.ndarray:
    values = annotations.column("iscrowd")
    for index, value in enumerate(values):
        if value not in (None, 0, 1):
            raise annotations.error(
                index, "iscrowd is not usable", expected="0 or 1", received=repr(value)
            )
    return np.array([bool(value) for value in values], bool)


def keypoint_count(categories: Records, annotations: Records) -> int:
    """Number of keypoints of an object, from the categories, else from the first annotation."""
    named = {
        len(names) for names in categories.column("keypoints") if isinstance(names, list) and names
    }
    if not named:
        lists = [value for value in annotations.column("keypoints") if isinstance(value, list)]
        named = {len(lists[0]) // 3} if lists and lists[0] else set()
    if len(named) != 1:
        raise DataError(
            "All categories must have the same number of keypoints",
            expected="categories with a list of keypoint names",
            received=f"{sorted(named)} keypoints" if named else "no keypoints",
            where=categories.path,
            fix=None if named else "--iou-type bbox, or another file",
        )
    return named.pop()


def _check_counts(annotations: Records, points: np.ndarray) -> None:
    """Check that `num_keypoints` is 0 exactly for objects without labelled keypoints."""
    labelled = (points[:, :, 2] > 0).sum(axis=1)
    stated = annotations.numbers("num_keypoints", labelled.tolist(), least=0.0)
    wrong = np.flatnonzero((stated > 0) != (labelled > 0))
    if len(wrong):
        raise annotations.error(
            int(wrong[0]),
            "num_keypoints contradicts the keypoints",
            expected=f"{labelled[wrong[0]]}, the number of keypoints with v > 0",
            received=f"{stated[wrong[0]]:g}",
        )
