"""A pipeline of Albumentations as one of our transforms. The package itself is not imported."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from densefit.data.geometry.keypoints import move_keypoints
from densefit.data.geometry.target_kinds import PER_OBJECT, kind_of
from densefit.data.geometry.transform_targets import clip_boxes, crowd_flags, flip_order
from densefit.data.sample import Geometry, LostGeometry, Sample, UntracedGeometry
from densefit.data.transforms.albumentations_keypoints import follow_pixels
from densefit.data.transforms.merge_samples import MAPS
from densefit.errors import ConfigError, DataError

_ROWS = "rows"  # the label field that says which box each one was
_NUMBERS = "numbers"  # the same of keypoints
# Of the pipeline's kinds "keypoints" and "mask", under names of their own: see `scaled_points`.
_POINTS, _SIZE = "points", "size"
# The corners of a triangle in the middle of the picture: they show what becomes of left and right,
# and of sizes.
_TRIANGLE = np.array([[0.45, 0.45], [0.55, 0.45], [0.45, 0.55]])
# What is no longer the one picture, or is seen from elsewhere: as with our own transforms.
_OTHER = {"CopyAndPaste", "MixUp", "Mosaic", "OverlayElements", "Perspective", "TemplateTransform"}


class Albumentations:
    """Applies a Compose of Albumentations to image, maps, boxes and keypoints. For training.

    >>> import albumentations as A                                            # doctest: +SKIP
    >>> Albumentations(A.Compose([A.HorizontalFlip(), A.RandomFog()]))        # doctest: +SKIP

    Boxes and what belongs to them are passed on by this class, and so are keypoints; a mirrored
    picture's change places. Where the pipeline shows no picture (it fills maps with 0 there by
    default), maps get their own fills. Boxes are clipped to the picture and those below a pixel
    are dropped. Keypoints go where the pixels under them go: crops, pads, flips, turns, resizes,
    affine maps and perspectives are exact to a tenth of a pixel. Members that distort (elastic,
    optical, grid and thin-plate ones, piecewise affine, grid shuffles) have them where the package
    puts them, some pixels off or not at all: a keypoint that they lose is no longer labelled.
    Maps that are resized get the pixel under the centre, and are half a pixel off at most. Areas,
    and which keypoints change places, follow what happens in the middle of the picture.

    Where the original lies in the result is not known: scores of what has a place are refused, the
    class of the picture is scored. With a member that mixes pictures or changes the perspective
    (Mosaic, OverlayElements, Perspective...), it is refused too. Vectors cannot follow.

    All chance comes from the sample's own generator, as with every transform: each member of the
    pipeline is seeded from it. Each thread has a copy of the pipeline, which keeps state.

    Args:
        compose: an `albumentations.Compose` (1.4.19 or later) without bbox_params and
            keypoint_params.

    Raises:
        ConfigError: it is none, has such parameters, or cannot be seeded.
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
        self._own = threading.local()

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample after the pipeline."""
        targets = sample.targets
        kinds = {name: kind_of(name, array).name for name, array in targets.items()}
        _check(sample, kinds)
        maps = [name for name, kind in kinds.items() if kind in MAPS]
        points = [name for name, kind in kinds.items() if kind == "keypoints"]
        result = self._run(sample, maps, points, rng)
        image = np.asarray(result["image"])
        height, width = image.shape[:2]
        boxes, rows = _boxes(sample, result, height, width)
        places = _places(sample, points, result)
        corners = places[: len(_TRIANGLE)]
        # Where a corner is lost, nothing is known; most pipelines keep sides and sizes.
        growth = _growth(corners) / _growth(_triangle(sample)) if np.isfinite(corners).all() else 1
        changed: dict[str, np.ndarray] = {
            name: _filled(sample, name, np.asarray(result[key]), np.asarray(result["mask"]))
            for name, key in zip(maps, _keys(len(maps)))
        }
        start = len(_TRIANGLE)
        for name in points:
            array = targets[name].copy()
            end = start + array.shape[0] * array.shape[1]
            there = places[start:end].reshape(*array.shape[:2], 2)
            lost = ~np.isfinite(there).all(axis=-1)
            array[..., :2] = np.where(lost[..., None], 0, there)
            array[lost, 2] = 0
            swap = flip_order(sample, name, kind_of(name, array)) if growth < 0 else None
            changed[name] = move_keypoints(array, np.eye(2, 3), (height, width), swap)[rows]
            start = end
        for name, kind in kinds.items():
            if kind == "boxes":
                changed[name] = boxes
            elif kind == "per_box":
                changed[name] = targets[name][rows]
            elif kind == "area":
                changed[name] = (targets[name][rows] * abs(growth)).astype(targets[name].dtype)
            elif kind == "plain":
                changed[name] = targets[name]
        return replace(
            sample,
            image=image,
            targets={name: changed[name] for name in targets},
            geometry=self._geometry(sample, (height, width)),
        )

    def __getstate__(self) -> dict[str, Any]:
        """For another process, whose threads have copies of their own."""
        return {"compose": self.compose}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.compose = state["compose"]
        self._own = threading.local()

    def _geometry(self, sample: Sample, size: tuple[int, int]) -> Geometry:
        """The geometry of a result of `size`."""
        known = sample.geometry or Geometry.identity(*sample.image.shape[:2])
        if isinstance(known, LostGeometry) and known.is_other:
            return known.then(np.eye(2, 3), size)
        other = sorted(_names(self.compose) & _OTHER)
        if other:
            why = f"it went through {' and '.join(other)} of Albumentations"
            return LostGeometry(known.size, size, why)
        return UntracedGeometry(known.size, size, "it went through Albumentations")

    def _run(
        self, sample: Sample, maps: list[str], points: list[str], rng: np.random.Generator
    ) -> Any:
        """What the pipeline makes of a sample."""
        pipeline = self._pipeline(len(maps))
        _seed(pipeline, rng)
        height, width = sample.image.shape[:2]
        boxes = np.asarray(sample.targets.get("boxes", np.zeros((0, 4))), np.float64)
        boxes = boxes.clip(0, (width, height, width, height))
        rows = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))  # others are refused
        shown = np.ones((height, width), np.uint8)  # where there is a picture
        given = [_triangle(sample), *(sample.targets[n][..., :2].reshape(-1, 2) for n in points)]
        arrays = [np.ascontiguousarray(sample.targets[name]) for name in maps]
        return pipeline(
            image=np.ascontiguousarray(sample.image),
            mask=shown,  # some members look for it
            **({_SIZE: shown} if points and not maps else {}),
            **dict(zip(_keys(len(maps)), arrays)),
            bboxes=boxes[rows],
            **{
                # Its keypoints are at pixels' centres, by index.
                _POINTS: (np.concatenate(given) - 0.5).astype(np.float32),
                _NUMBERS: list(range(sum(map(len, given)))),
                _ROWS: rows.tolist(),
            },
        )

    def _pipeline(self, maps: int) -> Any:
        """This thread's own copy, told how boxes, keypoints and so many maps come."""
        # Given as one list of masks, all maps would get one type.
        known = self._own.__dict__.setdefault("pipelines", {})
        if maps not in known:
            members = copy.deepcopy(list(self.compose.transforms))
            for member in members:
                follow_pixels(member)
            known[maps] = type(self.compose)(
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
        return known[maps]

    def __repr__(self) -> str:
        return f"Albumentations({self.compose!r})"


def _keys(count: int) -> list[str]:
    """What the maps are called in the pipeline."""
    return [f"map{number}" for number in range(count)]


def _seed(member: Any, rng: np.random.Generator) -> None:
    """Seed a pipeline and each of its members otherwise: alike, all would draw the same numbers."""
    if hasattr(member, "set_random_seed"):
        member.set_random_seed(int(rng.integers(2**31)))
    for inner in getattr(member, "transforms", ()):
        _seed(inner, rng)


def _names(member: Any) -> set[str]:
    """Names of the classes of a pipeline and of all its members, and of those that these extend."""
    inner = getattr(member, "transforms", ())
    return {kind.__name__ for kind in type(member).__mro__}.union(*map(_names, inner))


def _triangle(sample: Sample) -> np.ndarray:
    return np.asarray(_TRIANGLE * sample.image.shape[1::-1])


def _growth(triangle: np.ndarray) -> float:
    """Twice the area of a triangle, negative if its corners go round the other way."""
    first, second = triangle[1] - triangle[0], triangle[2] - triangle[0]
    return float(first[0] * second[1] - first[1] * second[0])


def _places(sample: Sample, points: list[str], result: Any) -> np.ndarray:
    """(n, 2) where the triangle and all keypoints went, in pixels; nan of those that are lost."""
    count = sum(sample.targets[name][..., 0].size for name in points) + len(_TRIANGLE)
    places: np.ndarray = np.full((count, 2), np.nan)
    found = np.asarray(result[_POINTS], np.float64).reshape(-1, 2)
    places[np.asarray(result[_NUMBERS]).reshape(-1).astype(np.int64)] = found + 0.5
    return places


def _boxes(sample: Sample, result: Any, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(m, 4) float32 boxes, and (m,) which boxes they were."""
    found = [np.asarray(box, np.float64)[:4] for box in result["bboxes"]]
    rows = np.asarray(result[_ROWS]).reshape(-1).astype(np.int64)
    crowd = crowd_flags(sample, len(sample.targets.get("boxes", ())))[rows]
    boxes, keep = clip_boxes(np.array(found).reshape(-1, 4), height, width, crowd)
    return boxes, rows[keep]


def _filled(sample: Sample, name: str, array: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """A map that says what its kind says where no picture is shown."""
    before = sample.targets[name]
    if array.dtype != before.dtype or array.shape[2:] != before.shape[2:]:
        raise DataError(
            f"The pipeline changed what the target {name!r} is",
            expected=f"{before.dtype}, channels {before.shape[2:]}",
            received=f"{array.dtype}, channels {array.shape[2:]}",
            where=f"sample {sample.id!r}, Albumentations",
        )
    array = array.copy()
    array[shown != 1] = kind_of(name, before).fill
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
        count = len(sample.targets.get("boxes", ()))
        if kind in PER_OBJECT and len(sample.targets[name]) != count:
            raise DataError(
                f"The target {name!r} does not have one row a box",
                expected=f"{count} rows",
                received=f"shape {sample.targets[name].shape}",
                where=f"sample {sample.id!r}",
            )
