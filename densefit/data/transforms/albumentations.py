"""Adapter for pipelines of Albumentations. The package itself is not imported."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.geometry.box_members import box_names, boxes_of
from densefit.data.geometry.keypoints import move_keypoints
from densefit.data.geometry.target_kinds import PER_OBJECT, kind_of
from densefit.data.geometry.transform_targets import clip_boxes, crowd_flags, flip_order
from densefit.data.sample import Geometry, LostGeometry, Sample, UntracedGeometry
from densefit.data.transforms.albumentations_keypoints import follow_pixels
from densefit.data.transforms.merge_samples import MAPS
from densefit.errors import ConfigError, DataError

_NO_BOXES = ""  # owner of targets without boxes
_ROWS = "rows"  # label field with the index of each box
_NUMBERS = "numbers"  # label field with the index of each keypoint
# Of the pipeline's kinds "keypoints" and "mask", under names of their own: see `scaled_points`.
_POINTS, _SIZE = "points", "size"
# Corners of a triangle in the middle of the image, to measure flips and the change of size.
_TRIANGLE = np.array([[0.45, 0.45], [0.55, 0.45], [0.45, 0.55]])
# Members that mix images or change the perspective.
_OTHER = {"CopyAndPaste", "MixUp", "Mosaic", "OverlayElements", "Perspective", "TemplateTransform"}


class Albumentations:
    """Apply a Compose of Albumentations to image, maps, boxes and keypoints. For training.

    >>> import albumentations as A                                            # doctest: +SKIP
    >>> Albumentations(A.Compose([A.HorizontalFlip(), A.RandomFog()]))        # doctest: +SKIP

    This class passes boxes with their per-box targets and keypoints to the pipeline, and reorders
    keypoints under a flip. Outside of the image (where the pipeline fills maps with 0 by default),
    maps get their own fills. Boxes are clipped to the image, and those below a pixel are dropped.
    Keypoints follow their pixels: crops, pads, flips, rotations, resizes, affine maps and
    perspectives are exact to a tenth of a pixel. For distortions (elastic, optical, grid and
    thin-plate ones, piecewise affine, grid shuffles) they are where the package puts them, some
    pixels off or not at all: a lost keypoint is no longer labelled. Resized maps take the pixel
    under the centre, and are half a pixel off at most. Areas and the order of keypoints follow the
    map at the centre of the image.

    The position of the original in the result is unknown: scores of boxes, masks and the like are
    refused, the class of the image is scored. With a member that mixes images or changes the
    perspective (Mosaic, OverlayElements, Perspective...), it is refused too. Vectors cannot follow.

    All randomness comes from the sample's generator, as in every transform: each member of the
    pipeline is seeded from it. Each thread has a copy of the pipeline, which keeps state.

    Args:
        compose: an `albumentations.Compose` (1.4.19 or later) without bbox_params and
            keypoint_params.

    Raises:
        ConfigError: it is no Compose, has such parameters, or cannot be seeded.
    """

    def __init__(self, compose: Any) -> None:
        if not callable(compose) or not hasattr(compose, "transforms"):
            raise ConfigError(
                "This is not a Compose of Albumentations",
                expected="albumentations.Compose([...])",
                received=repr(compose)[:80],
                where="Albumentations",
            )
        if not hasattr(compose, "set_random_seed"):
            raise ConfigError(
                "This Albumentations draws from generators of the whole process, so that results "
                "would depend on the number of workers",
                expected="a Compose with set_random_seed",
                where="Albumentations",
                fix="pip install 'albumentations>=1.4.19'",
            )
        if getattr(compose, "processors", None):
            raise ConfigError(
                "Boxes and keypoints are passed to the pipeline by this class",
                expected="a Compose without bbox_params and keypoint_params",
                received=sorted(compose.processors),
                where="Albumentations",
                fix="leave them out",
            )
        self.compose = compose
        self._local = threading.local()

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Apply the pipeline."""
        targets = sample.targets
        kinds = {name: kind_of(name, array).name for name, array in targets.items()}
        _check(sample, kinds)
        maps = [name for name, kind in kinds.items() if kind in MAPS]
        points = [name for name, kind in kinds.items() if kind == "keypoints"]
        result = self._run(sample, maps, points, rng)
        image = np.asarray(result["image"])
        height, width = image.shape[:2]
        moved_boxes = _boxes(sample, result, height, width)
        moved = _moved_points(sample, points, result)
        corners = moved[: len(_TRIANGLE)]
        # If a corner is lost, assume the most common case: no flip, and the same size.
        growth = _growth(corners) / _growth(_triangle(sample)) if np.isfinite(corners).all() else 1
        changed: dict[str, np.ndarray] = {
            name: _filled(sample, name, np.asarray(result[key]), np.asarray(result["mask"]))
            for name, key in zip(maps, _keys(len(maps)))
        }
        start = len(_TRIANGLE)
        for name in points:
            array = targets[name].copy()
            end = start + array.shape[0] * array.shape[1]
            there = moved[start:end].reshape(*array.shape[:2], 2)
            is_lost = ~np.isfinite(there).all(axis=-1)
            array[..., :2] = np.where(is_lost[..., None], 0, there)
            array[is_lost, 2] = 0
            swap = flip_order(sample, name, kind_of(name, array)) if growth < 0 else None
            rows = moved_boxes[_owner(sample, name)][1]
            changed[name] = move_keypoints(array, np.eye(2, 3), (height, width), swap)[rows]
            start = end
        for name, kind in kinds.items():
            if kind == "boxes":
                changed[name] = moved_boxes[name][0]
            elif kind == "per_box":
                changed[name] = targets[name][moved_boxes[_owner(sample, name)][1]]
            elif kind == "area":
                areas = targets[name][moved_boxes[_owner(sample, name)][1]]
                changed[name] = (areas * abs(growth)).astype(areas.dtype)
            elif kind == "plain":
                changed[name] = targets[name]
        return replace(
            sample,
            image=image,
            targets={name: changed[name] for name in targets},
            geometry=self._geometry(sample, (height, width)),
        )

    def __getstate__(self) -> dict[str, Any]:
        """For another process, whose threads have their own copies."""
        return {"compose": self.compose}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.compose = state["compose"]
        self._local = threading.local()

    def _geometry(self, sample: Sample, size: tuple[int, int]) -> Geometry:
        """The geometry of a result of `size`."""
        before = sample.geometry or Geometry.identity(*sample.image.shape[:2])
        if isinstance(before, LostGeometry) and before.is_other:
            return before.then(np.eye(2, 3), size)
        other = sorted(_names(self.compose) & _OTHER)
        if other:
            why = f"it went through {' and '.join(other)} of Albumentations"
            return LostGeometry(before.size, size, why)
        return UntracedGeometry(before.size, size, "it went through Albumentations")

    def _run(
        self, sample: Sample, maps: list[str], points: list[str], rng: np.random.Generator
    ) -> Any:
        """Run the pipeline on a sample."""
        pipeline = self._pipeline(len(maps))
        _seed(pipeline, rng)
        height, width = sample.image.shape[:2]
        boxes = np.concatenate([np.zeros((0, 4)), *_all_boxes(sample).values()])
        boxes = boxes.clip(0, (width, height, width, height))
        rows = np.flatnonzero(
            (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        )  # Albumentations refuses others
        inside = np.ones((height, width), np.uint8)  # 1 in the image
        all_points = [
            _triangle(sample),
            *(sample.targets[n][..., :2].reshape(-1, 2) for n in points),
        ]
        arrays = [np.ascontiguousarray(sample.targets[name]) for name in maps]
        return pipeline(
            image=np.ascontiguousarray(sample.image),
            mask=inside,  # some members need it
            **({_SIZE: inside} if points and not maps else {}),
            **dict(zip(_keys(len(maps)), arrays)),
            bboxes=boxes[rows],
            **{
                # Its keypoints are at pixels' centres, by index.
                _POINTS: (np.concatenate(all_points) - 0.5).astype(np.float32),
                _NUMBERS: list(range(sum(map(len, all_points)))),
                _ROWS: rows.tolist(),
            },
        )

    def _pipeline(self, maps: int) -> Any:
        """This thread's copy, configured for boxes, keypoints and `maps` maps."""
        # As one list of masks, all maps would get one dtype.
        pipelines = self._local.__dict__.setdefault("pipelines", {})
        if maps not in pipelines:
            members = copy.deepcopy(list(self.compose.transforms))
            for member in members:
                follow_pixels(member)
            pipelines[maps] = type(self.compose)(
                members,
                bbox_params={"format": "pascal_voc", "label_fields": [_ROWS]},
                keypoint_params={
                    "format": "xy",
                    "remove_invisible": False,
                    "label_fields": [_NUMBERS],
                },
                additional_targets={
                    **dict.fromkeys([_SIZE, *_keys(maps)], "mask"),
                    _POINTS: "keypoints",
                },
                p=getattr(self.compose, "p", 1.0),
            )
        return pipelines[maps]

    def __repr__(self) -> str:
        return f"Albumentations({self.compose!r})"


def _keys(count: int) -> list[str]:
    """Names of the maps in the pipeline."""
    return [f"map{number}" for number in range(count)]


def _seed(member: Any, rng: np.random.Generator) -> None:
    """Seed a pipeline and its members differently: with one seed, all would draw the same."""
    if hasattr(member, "set_random_seed"):
        member.set_random_seed(int(rng.integers(2**31)))
    for inner in getattr(member, "transforms", ()):
        _seed(inner, rng)


def _names(member: Any) -> set[str]:
    """Class names of a pipeline and all its members, with their base classes."""
    inner = getattr(member, "transforms", ())
    return {kind.__name__ for kind in type(member).__mro__}.union(*map(_names, inner))


def _triangle(sample: Sample) -> np.ndarray:
    return np.asarray(_TRIANGLE * sample.image.shape[1::-1])


def _growth(triangle: np.ndarray) -> float:
    """Twice the signed area of a triangle."""
    first, second = triangle[1] - triangle[0], triangle[2] - triangle[0]
    return float(first[0] * second[1] - first[1] * second[0])


def _moved_points(sample: Sample, points: list[str], result: Any) -> np.ndarray:
    """(n, 2) transformed corners of the triangle and keypoints, in pixels; nan if lost."""
    count = sum(sample.targets[name][..., 0].size for name in points) + len(_TRIANGLE)
    moved: np.ndarray = np.full((count, 2), np.nan)
    points_after = np.asarray(result[_POINTS], np.float64).reshape(-1, 2)
    moved[np.asarray(result[_NUMBERS]).reshape(-1).astype(np.int64)] = points_after + 0.5
    return moved


def _all_boxes(sample: Sample) -> dict[str, np.ndarray]:
    """The sample's boxes by name, in the order in which the pipeline gets their rows."""
    return {name: sample.targets[name] for name in box_names(sample.targets)}


def _owner(sample: Sample, name: str) -> str:
    """Name of the boxes that a target has a row for each of; the first if it has no rows."""
    owner = boxes_of(name, sample.targets, f"sample {sample.id!r}, Albumentations")
    return _NO_BOXES if owner is None else owner


def _boxes(
    sample: Sample, result: Any, height: int, width: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(m, 4) float32 transformed boxes, and (m,) their former rows, by name of the boxes."""
    all_after = np.array([np.asarray(box, np.float64)[:4] for box in result["bboxes"]])
    all_after = all_after.reshape(-1, 4)
    all_rows = np.asarray(result[_ROWS]).reshape(-1).astype(np.int64)
    moved, start = {_NO_BOXES: (all_after[:0], all_rows[:0])}, 0
    for name, array in _all_boxes(sample).items():
        is_member = (all_rows >= start) & (all_rows < start + len(array))
        rows = all_rows[is_member] - start
        crowd = crowd_flags(sample, name)[rows]
        boxes, keep = clip_boxes(all_after[is_member], height, width, crowd)
        moved[name] = boxes, rows[keep]
        start += len(array)
    return moved


def _filled(sample: Sample, name: str, array: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Fill a map outside of the image with the fill of its kind."""
    before = sample.targets[name]
    if array.dtype != before.dtype or array.shape[2:] != before.shape[2:]:
        raise DataError(
            f"The pipeline changed what the target {name!r} is",
            expected=f"{before.dtype}, channels {before.shape[2:]}",
            received=f"{array.dtype}, channels {array.shape[2:]}",
            where=f"sample {sample.id!r}, Albumentations",
        )
    array = array.copy()
    array[inside != 1] = kind_of(name, before).fill
    return array


def _check(sample: Sample, kinds: Mapping[str, str]) -> None:
    for name, kind in kinds.items():
        if kind == "vectors":
            raise DataError(
                f"The vectors of the target {name!r} cannot follow a pipeline whose turns are not "
                "known",
                where=f"sample {sample.id!r}, Albumentations",
                fix="use random_affine and random_flip of densefit, which turn vectors",
            )
        if kind not in PER_OBJECT or kind == "boxes":
            continue
        count = len(sample.targets.get(_owner(sample, name), ()))
        if len(sample.targets[name]) != count:
            raise DataError(
                f"The target {name!r} does not have one row a box",
                expected=f"{count} rows",
                received=f"shape {sample.targets[name].shape}",
                where=f"sample {sample.id!r}",
            )
