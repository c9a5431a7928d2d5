"""Read samples of a dataset: each is checked, and converted to one form.

Unambiguous values are converted (lists, other integer types, grey images); others raise an error
that names the dataset, the target and the object. The cost is some tens of microseconds a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.checks.boxes import Boxes, checked_boxes
from densefit.data.checks.coordinate_units import elsewhere_in
from densefit.data.checks.dropped_boxes import CUT, WITHOUT_AREA, BoxRemark
from densefit.data.checks.keypoint_sides import order_of
from densefit.data.checks.keypoints import checked_keypoints, labelled_coordinates
from densefit.data.checks.labels import checked_label, checked_labels
from densefit.data.checks.maps import checked_depth, checked_indices, checked_map, checked_normals
from densefit.data.checks.objects import checked_area, checked_classes, checked_flags, checked_rows
from densefit.data.checks.values import whole_numbers
from densefit.data.geometry.box_members import row_owners
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.pixels import rgb
from densefit.data.sample import Sample
from densefit.data.sample_id import dataset_classes, dataset_name, sample_id
from densefit.errors import DataError, located

_Check = Callable[[str, Any, "tuple[int, int]", Any], np.ndarray]

#: Targets of the built-in tasks -> (name, value, (height, width), dataset) -> array.
_CHECKS: dict[str, _Check] = {
    "classes": lambda name, value, size, data: checked_classes(
        name, value, dataset_classes(data, name)
    ),
    "difficult": lambda name, value, size, data: checked_flags(name, value),
    "crowd": lambda name, value, size, data: checked_flags(name, value),
    "area": lambda name, value, size, data: checked_area(name, value),
    "instance_ids": lambda name, value, size, data: whole_numbers(name, value),
    "keypoint_flip": lambda name, value, size, data: whole_numbers(name, value),
    "mask": lambda name, value, size, data: checked_indices(name, value, size, np.uint8),
    "instances": lambda name, value, size, data: checked_indices(name, value, size, np.uint16),
    "depth": lambda name, value, size, data: checked_depth(name, value, size),
    "normals": lambda name, value, size, data: checked_normals(name, value, size),
    "label": lambda name, value, size, data: checked_label(
        name, value, dataset_classes(data, name)
    ),
    "labels": lambda name, value, size, data: checked_labels(name, value),
}


def read_sample(dataset: Any, index: int, remarks: list[BoxRemark] | None = None) -> Sample:
    """Read and check a sample of a dataset; returns a copy whose attributes may be set.

    Boxes without area are dropped with their per-box targets, as the readers of annotation files
    do. Boxes that lose most of their area by clipping are reported. Other invalid boxes are errors.

    Args:
        dataset: anything with `len` and `[]`.
        index: index of the sample.
        remarks: receives a remark for each box that is dropped or loses most of its area; None
            keeps such boxes, for datasets that are wrapped by another one.

    Raises:
        DataError: the sample is invalid. Names the dataset, the target and the object.
    """
    sample = dataset[index]
    try:
        return _checked(sample, dataset, index, remarks)
    except DataError:
        with located(f"dataset {dataset_name(dataset)}"):  # its repr may take long
            raise


def _checked(sample: Any, dataset: Any, index: int, remarks: list[BoxRemark] | None) -> Sample:
    if not isinstance(sample, Sample):
        raise DataError(
            "A dataset gives something else than samples",
            expected="densefit.Sample(id, image, targets)",
            received=f"{type(sample).__qualname__}",
            fix='df.Sample(str(index), image, {"boxes": boxes, "classes": classes})',
        )
    image = rgb(sample.image)
    height, width = image.shape[:2]
    targets, all_boxes = _checked_targets(sample.targets, (height, width), dataset, index)
    key = sample_id(dataset, index) if sample.id is None else str(sample.id)
    for name, boxes in all_boxes.items():
        if boxes.lost or boxes.solid is not None:
            _leave_out(targets, name, boxes, (height, width), key, remarks)
    if type(sample) is Sample:  # as `replace`, in a third of the time
        return Sample(key, image, targets, sample.geometry, sample.original)
    return replace(sample, id=key, image=image, targets=targets)


def _leave_out(
    targets: dict[str, np.ndarray],
    name: str,
    boxes: Boxes,
    size: tuple[int, int],
    key: str,
    remarks: list[BoxRemark] | None,
) -> None:
    """Drop boxes without area from all per-box targets, and add remarks on dropped or cut boxes.

    Without `remarks`, these boxes keep their original coordinates.
    """
    if remarks is None:
        if boxes.lost:
            targets[name] = boxes.array.copy()
            targets[name][list(boxes.lost)] = list(boxes.lost.values())
        return
    where = f"of sample {key!r}, an image {size[1]} pixels wide and {size[0]} high"
    remarks += [BoxRemark(CUT, f"object {row} {where}, {box}") for row, box in boxes.lost.items()]
    if boxes.solid is None:
        return
    for row in np.flatnonzero(~boxes.solid):
        line = f"object {row} of sample {key!r}, {boxes.array[row].tolist()}"
        remarks.append(BoxRemark(WITHOUT_AREA, line))
    for row_target, owner in row_owners(targets, f"sample {key!r}").items():
        if owner == name:
            targets[row_target] = targets[row_target][boxes.solid]


def _checked_targets(
    raw_targets: Any, size: tuple[int, int], dataset: Any, index: int
) -> tuple[dict[str, np.ndarray], dict[str, Boxes]]:
    """Check all targets; returns them, and the checked boxes by name."""
    if not isinstance(raw_targets, Mapping):
        raise DataError(
            "The targets of a sample are not named",
            expected="a dict: name of the target -> array",
            received=f"{type(raw_targets).__qualname__}",
        )
    targets: dict[str, np.ndarray] = {}
    boxes: dict[str, Boxes] = {}
    for name, value in raw_targets.items():
        kind = KINDS[name].name if name in KINDS else ""
        if kind == "boxes":
            elsewhere = elsewhere_in(dataset, index, name, np.ravel)
            boxes[name] = checked_boxes(name, value, size, elsewhere)
            targets[name] = boxes[name].array
        elif kind == "keypoints":
            flip = KINDS[name].flip
            order = (
                None if raw_targets.get(flip) is None else whole_numbers(flip, raw_targets[flip])
            )
            elsewhere = elsewhere_in(dataset, index, name, labelled_coordinates)
            targets[name] = checked_keypoints(name, value, size, order, elsewhere)
            if order is None:
                targets.update(_mirrored(dataset, name, targets[name]))
        elif (check := _CHECKS.get(_role(name))) is not None:
            targets[name] = check(name, value, size, dataset)
        elif kind in ("map", "map_linear", "vectors"):
            targets[name] = checked_map(name, value, size)
        else:
            targets[name] = np.asarray(value)
    if boxes:
        for name, owner in row_owners(targets, f"sample {index}").items():
            checked_rows(name, targets[name], len(boxes[owner].array) if owner else 0)
    return targets, boxes


def _role(name: str) -> str:
    """What a target says of its boxes, else its name."""
    return (KINDS[name].role if name in KINDS else "") or name


def _mirrored(dataset: Any, name: str, points: np.ndarray) -> dict[str, np.ndarray]:
    """Flip order of keypoints from the dataset's names, and the points with that many columns.

    Empty if the dataset does not determine it, or has another number of keypoints.
    """
    order = order_of(dataset, name)
    if order is None or len(order) != points.shape[1] and points.size:
        return {}
    return {name: points.reshape(len(points), len(order), 3), KINDS[name].flip: order}
