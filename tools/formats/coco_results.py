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
    """The content of a file of results.

    Attributes:
        predictions: of each of the truth's pictures, as the COCO metrics take them.
        count: how many there are.
        notes: what a reader should know about the numbers, a line each.
    """

    predictions: list[dict[str, Any]]
    count: int
    notes: list[str]


def read_results(path: Path, truth: Truth, kind: str) -> Results:
    """Read a file of results.

    Args:
        path: a JSON list of {"image_id", "category_id", "score", and "bbox", "segmentation" or
            "keypoints"}, or an object with such a list called "annotations".
        truth: what they are compared with.
        kind: "bbox", "segm" or "keypoints".

    Raises:
        DataError: the file or a record is not usable; it says which.
    """
    content = read_json(path, "results")
    name = "results"
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        content, name = content["annotations"], "annotations"
    if not isinstance(content, list):
        raise DataError(
            "The results are no list",
            expected='[{"image_id": ..., "category_id": ..., "score": ..., ...}, ...]',
            received=f"a {type(content).__name__}",
            where=path,
        )
    results = Records.of(content, path, name)
    _check_kind(results, kind)
    places = indices(results, "image_id", truth.places, f"picture of {truth.path}")
    columns: dict[str, Any] = {
        "classes": indices(results, "category_id", truth.labels, f"category of {truth.path}"),
        "scores": results.numbers("score"),
    }
    notes = []
    if kind == "bbox":
        columns["bbox"] = boxes(results)
    elif kind == "segm":
        columns["masks"] = run_lengths(results, truth.sizes(places, results))
    else:
        columns["keypoints"] = keypoints(results, truth.keypoints)
    if kind != "bbox" and len(results) and results.items[0].get("bbox"):
        found = boxes(results)
        columns["area"] = found[:, 2] * found[:, 3]
        notes.append(
            "results have a bbox, whose area says whether they are small, medium or large (as in "
            "pycocotools); without it the area of the "
            + ("mask would" if kind == "segm" else "keypoints' extent would")
        )
    rows = list(by_picture(columns, places, len(truth.pictures)))
    return Results(rows, len(results), notes)


def _check_kind(results: Records, kind: str) -> None:
    """Raise DataError if the results are those of another evaluation."""
    field = FIELDS[kind]
    if not len(results) or field in results.items[0]:
        return
    others = [other for other, name in FIELDS.items() if results.items[0].get(name)]
    raise results.error(
        0,
        f"The results have no {field}, which --iou-type {kind} compares",
        received=f"a record with {', '.join(results.items[0]) or 'nothing'}",
        fix=" or ".join(f"--iou-type {other}" for other in others) or None,
    )
