"""The report of a check as JSON values; tables and page are made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from densefit.data.sample_id import dataset_name
from densefit.tools.data_check.anchor_fit import anchor_heads, best_iou, boxes_in_input
from densefit.tools.data_check.box_statistics import (
    EDGES,
    MEDIUM,
    SMALL,
    named_counts,
    size_classes,
    size_histogram,
)
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.findings import ERROR, Finding
from densefit.tools.data_check.labels import Labels, class_names, counts_by_target
from densefit.tools.data_check.split import SplitCheck

VERSION = 1  # of the JSON's fields; further ones may come without a new number
LOW_IOU = 0.5


def report(
    check: DataCheck,
    findings: Sequence[Finding],
    heads: Sequence[Any] = (),
    input_size: tuple[int, int] | None = None,
    resize: str = "letterbox",
) -> dict[str, Any]:
    """Make the report of a check.

    - `version`, `seconds`, `sound` (no errors), `train` (names of the splits to train on);
    - `checked`: split -> number of images whose `annotations`, `files`, `headers` were looked at,
      and that were `decoded`; `images` is their number, `equal_images` whether the files of equal
      size were compared;
    - `splits`: split -> `dataset`, `images`, `unusable` (images with an error), `unlabelled`,
      `objects`, `crowds`, `dropped_objects`, `formats`, `width` and `height` (`min`, `median`,
      `max`), `object_sizes` (`small`, `medium`, `large` as COCO; `edges` and `counts` of the
      histogram of square roots of areas);
    - `classes`: target -> `unit`, `counts`: split -> class -> count;
    - `anchors`: head -> split -> `boxes`, `below` (share whose best IoU with an anchor is under
      `threshold`), `median_iou`, `by_size` (the shares of small, medium and large objects), and
      `short_side_p5` (5th percentile of the shorter sides, in pixels of the input);
    - `findings`: `kind`, `severity` (error, warning, note), `split` ("" for several), `count`,
      `text`, `examples` (`id`, `text`, `where`).

    Args:
        check: a finished check.
        findings: its findings.
        heads: heads of the network, whose anchors are compared with the boxes.
        input_size: (height, width) of the network's input.
        resize: how images are brought to it.
    """
    return {
        "version": VERSION,
        "sound": not any(finding.severity == ERROR for finding in findings),
        "seconds": round(check.seconds, 3),
        "train": check.train,
        "checked": {split: checked(check, split) for split in check.splits},
        "splits": {split: _split(of_split) for split, of_split in check.splits.items()},
        "classes": _classes(check.splits),
        "anchors": _anchors(check.splits, heads, input_size, resize),
        "findings": [asdict(finding) for finding in findings],
    }


def checked(check: DataCheck, split: str) -> dict[str, Any]:
    """How many images of a split were looked at, and how far."""
    of_split = check.splits[split]
    annotations = of_split.labels.annotated + len(of_split.errors["unreadable_annotation"])
    return {
        "images": len(of_split.dataset),
        "annotations": annotations,
        "files": len(of_split.dataset) if of_split.files.is_declared else 0,
        "headers": of_split.headers,
        "decoded": of_split.decoded,
        "equal_images": check.has_compared and of_split.files.is_declared,
    }


def _split(check: SplitCheck) -> dict[str, Any]:
    labels = check.labels
    headers = [header for header in check.files.headers if header is not None]
    sizes = np.array([size for size in check.sizes() if size is not None]).reshape(-1, 2)
    return {
        "dataset": dataset_name(check.dataset),
        "images": len(check.dataset),
        "unusable": len(check.broken),
        "unlabelled": len(labels.empty),
        "objects": len(labels.classes),
        "crowds": int(labels.is_crowd.sum()),
        "dropped_objects": int(getattr(check.dataset, "dropped", 0) or 0),
        "formats": dict(Counter(header.kind for header in headers).most_common()),
        "height": _range(sizes[:, 0]),
        "width": _range(sizes[:, 1]),
        "object_sizes": {
            **size_classes(labels.areas),
            "edges": list(EDGES),
            "counts": size_histogram(labels.areas),
        },
    }


def _range(values: np.ndarray) -> dict[str, float] | None:
    if not len(values):
        return None
    return {"min": int(values.min()), "median": float(np.median(values)), "max": int(values.max())}


def _classes(splits: Mapping[str, SplitCheck]) -> dict[str, Any]:
    """Target -> unit, and split -> class -> count."""
    tables: dict[str, Any] = {}
    for split, check in splits.items():
        for target, unit, counts in counts_by_target(check.labels):
            table = tables.setdefault(target, {"unit": unit, "counts": {}})
            names = class_names(check.dataset, target)
            table["counts"][split] = named_counts(counts, names)
    return tables


def _anchors(
    splits: Mapping[str, SplitCheck],
    heads: Sequence[Any],
    input_size: tuple[int, int] | None,
    resize: str,
) -> dict[str, Any]:
    if input_size is None:
        return {}
    size = (input_size[0], input_size[1])
    fits: dict[str, Any] = {}
    for name, head in anchor_heads(heads).items():
        for split, check in splits.items():
            fit = _fit(check.labels, check.sizes(), head, size, resize)
            if fit is not None:
                fits.setdefault(name, {})[split] = fit
    return fits


def _fit(
    labels: Labels, sizes: Sequence[Any], head: Any, input_size: tuple[int, int], resize: str
) -> dict[str, Any] | None:
    """Best IoU of the objects of a split with the anchors of a head; None without objects."""
    size_of_image = np.array([size or (0, 0) for size in sizes], np.float64).reshape(-1, 2)
    usable = np.isfinite(labels.boxes).all(axis=1) & ~labels.is_crowd
    usable &= (size_of_image[labels.images] > 0).all(axis=1)
    if not usable.any():
        return None
    of_boxes = size_of_image[labels.images[usable]]
    boxes = boxes_in_input(labels.boxes[usable], of_boxes, input_size, resize)
    best = best_iou(boxes, input_size, head.strides, head.shapes(input_size))
    areas, is_low = labels.areas[usable], best < LOW_IOU
    classes = {"small": areas < SMALL, "large": areas >= MEDIUM}
    classes["medium"] = ~(classes["small"] | classes["large"])
    return {
        "boxes": len(best),
        "threshold": LOW_IOU,
        "below": round(float(is_low.mean()), 4),
        "median_iou": round(float(np.median(best)), 4),
        "by_size": {
            name: round(float(is_low[classes[name]].mean()), 4) if classes[name].any() else None
            for name in ("small", "medium", "large")
        },
        "short_side_p5": _short_side(boxes),
    }


def _short_side(boxes: np.ndarray) -> float:
    """Fifth percentile of the boxes' shorter sides, in pixels of the network's input."""
    return round(float(np.percentile((boxes[:, 2:] - boxes[:, :2]).min(axis=1), 5)), 1)
