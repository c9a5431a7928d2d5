"""Predictions in a file of COCO's results format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.datasets.files.json_file import read_json
from densefit.errors import DataError

from .coco_columns import boxes, by_picture, keypoints
from .coco_ids import indices
from .coco_rle import run_lengths
from .coco_truth import Truth
from .json_records import Records

FIELDS = {"bbox": "bbox", "segm": "segmentation", "keypoints": "keypoints"}


@dataclass(frozen=True)
class Results:
    """Content of a results file.

    Attributes:
        predictions: predictions of each annotated image, as the COCO metrics take them.
        count: number of predictions.
        notes: remarks on the scores, a line each.
    """

    predictions: list[dict[str, Any]]
    count: int
    notes: list[str]


def read_results(path: Path, truth: Truth, kind: str) -> Results:
    """Read a results file.

    Args:
        path: a JSON list of {"image_id", "category_id", "score", and "bbox", "segmentation" or
            "keypoints"}, or an object with such a list called "annotations".
        truth: ground truth.
        kind: "bbox", "segm" or "keypoints".

    Raises:
        DataError: an invalid file or record.
    """
    content = read_json(path, "results")
    name = "results"
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        content, name = content["annotations"], "annotations"
    if not isinstance(content, list):
        raise DataError(
            "The results are not a list",
            expected='[{"image_id": ..., "category_id": ..., "score": ..., ...}, ...]',
            received=f"a {type(content).__name__}",
            where=path,
        )
    results = Records.of(content, path, name)
    _check_kind(results, kind)
    image_indices = indices(results, "image_id", truth.index_by_id, f"image of {truth.path}")
    columns: dict[str, Any] = {
        "classes": indices(results, "category_id", truth.labels, f"category of {truth.path}"),
        "scores": results.numbers("score"),
    }
    notes = []
    if kind == "bbox":
        columns["bbox"] = boxes(results)
    elif kind == "segm":
        columns["masks"] = run_lengths(results, truth.sizes(image_indices, results))
    else:
        columns["keypoints"] = keypoints(results, truth.keypoints)
    if kind != "bbox" and len(results) and results.items[0].get("bbox"):
        boxes_xywh = boxes(results)
        columns["area"] = boxes_xywh[:, 2] * boxes_xywh[:, 3]
        notes.append(
            "results have a bbox, whose area decides whether they are small, medium or large (as "
            "in pycocotools); without it the area of the "
            + ("mask would" if kind == "segm" else "keypoints' extent would")
        )
    rows = list(by_picture(columns, image_indices, len(truth.pictures)))
    return Results(rows, len(results), notes)


def _check_kind(results: Records, kind: str) -> None:
    """Raise DataError if the results are for another kind of evaluation."""
    field = FIELDS[kind]
    if not len(results) or field in results.items[0]:
        return
    kinds = [
        kind_with_field for kind_with_field, name in FIELDS.items() if results.items[0].get(name)
    ]
    raise results.error(
        0,
        f"The results have no {field}, which --iou-type {kind} compares",
        received=f"a record with {', '.join(results.items[0]) or 'nothing'}",
        fix=" or ".join(f"--iou-type {kind_with_field}" for kind_with_field in kinds) or None,
    )
