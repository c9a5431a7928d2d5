"""Generated pictures: circles, squares and triangles on a textured ground."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.shapes_drawing import FACE, contrasting_colour, grain, paint_face, stamp
from densefit.datasets.shapes_relief import relief
from densefit.errors import ConfigError


@datasets.register("shapes")
class Shapes:
    """Pictures with exact targets for every task, made on the fly: nothing to download.

    Shapes do not overlap, so that each box is exactly the extent of its shape in the mask and in
    the map of instances. What a picture looks like depends on (seed, split, index) alone.

    With `keypoints` each shape has a face, whose parts are keypoints: what the picture looks like
    to a network that has to tell left from right.

    Args:
        length: number of pictures.
        size: (height, width), at least 24 each.
        seed: another seed, other pictures.
        split: another split, other pictures; any name.
        max_objects: at most so many shapes a picture.
        empty: share of pictures without any.
        keypoints: paint faces and give their keypoints.
        labels: also give `labels`: for each class whether the picture has one.
        relief: let the shapes stand out of a tilted ground, as domes and pyramids in light from the
            upper left, and give `depth` (metres) and `normals` (x right, y down, z towards the
            camera).

    Attributes:
        classes: names of the shapes: `classes` of a sample's targets are indices into these.
        mask_classes: "background" and the shapes: what the pixels of `mask` are.
        label_classes: the shapes and "nothing": `label` is the largest shape of the picture.
        keypoint_names: what the parts of a face are called.
        limbs: pairs of names to join when a face is drawn.
        flip_pairs: pairs of names that change places in a mirrored picture.
    """

    keypoint_names = [*FACE]
    limbs = [["nose", "left_eye"], ["nose", "right_eye"], ["left_eye", "right_eye"]]
    flip_pairs = [["left_eye", "right_eye"]]

    def __init__(
        self,
        length: int = 200,
        size: tuple[int, int] = (96, 96),
        seed: int = 0,
        split: str = "train",
        max_objects: int = 4,
        empty: float = 0.1,
        keypoints: bool = False,
        labels: bool = False,
        relief: bool = False,
    ) -> None:
        self._unusual = unusual(Shapes, locals(), ("length", "size", "seed", "split"))
        if length < 1 or min(size) < 24 or seed < 0 or max_objects < 1 or not 0 <= empty <= 1:
            raise ConfigError(
                "These shapes cannot be drawn",
                expected="length >= 1, sides >= 24, seed >= 0, max_objects >= 1, 0 <= empty <= 1",
                received=f"length={length}, size={tuple(size)}, seed={seed}, "
                f"max_objects={max_objects}, empty={empty}",
                where="Shapes",
            )
        self.length, self.size, self.seed, self.split = length, tuple(size), seed, split
        self.max_objects, self.empty, self.keypoints = max_objects, empty, keypoints
        self.labels, self.relief = labels, relief
        self.classes = ["circle", "square", "triangle"]
        self.mask_classes = ["background", *self.classes]
        self.label_classes = [*self.classes, "nothing"]

    def __repr__(self) -> str:
        settings = f"seed={self.seed}, split={self.split!r}{self._unusual}"
        return f"Shapes({self.length}, {self.size}, {settings})"

    def __len__(self) -> int:
        return self.length

    def id_of(self, index: int) -> str:
        """The split and the index."""
        return f"{self.split}-{range(self.length)[index]:06d}"

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        names = ["boxes", "classes", "difficult", "crowd", "area", "label", "mask"]
        names += ["instances", "instance_ids"]
        names += ["labels"] * self.labels
        names += ["keypoints", "keypoint_flip"] * self.keypoints
        return (*names, *(["depth", "normals"] * self.relief))

    def __getitem__(self, index: int) -> Sample:
        index = range(self.length)[index]
        rng = np.random.default_rng((self.seed, zlib.crc32(self.split.encode()), index))
        image = self._ground(rng)
        mask = np.zeros(self.size, np.uint8)
        instances = np.zeros(self.size, np.uint16)
        boxes: list[tuple[int, int, int, int]] = []
        classes: list[int] = []
        areas: list[int] = []
        faces: list[np.ndarray] = []
        count = 0 if rng.random() < self.empty else int(rng.integers(1, self.max_objects + 1))
        for _ in range(4 * count):
            if len(boxes) == count:
                break
            kind = int(rng.integers(3))
            shape = self._position(rng, boxes)
            if shape is None:
                continue
            x, y, radius = shape
            left, top = x - radius, y - radius
            angle = rng.uniform(-0.3, 0.3)
            inside = stamp(kind, radius, angle) > 0
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            end = (top + inside.shape[0], left + inside.shape[1])
            mask[top : end[0], left : end[1]][inside] = kind + 1
            instances[top : end[0], left : end[1]][inside] = len(boxes) + 1
            image[top : end[0], left : end[1]][inside] = contrasting_colour(rng)
            if self.keypoints:
                faces.append(paint_face(image, x, y, radius, angle))
            boxes.append(
                (
                    left + int(columns[0]),
                    top + int(rows[0]),
                    left + int(columns[-1]) + 1,
                    top + int(rows[-1]) + 1,
                )
            )
            classes.append(kind)
            areas.append(int(inside.sum()))
        solid: dict[str, np.ndarray] = {}
        if self.relief:
            light = np.random.default_rng((self.seed, zlib.crc32(self.split.encode()), index, 1))
            image, solid = relief(image, instances, classes, light)
        image = grain(image, rng)
        count = len(boxes)
        targets: dict[str, np.ndarray] = {
            "boxes": np.array(boxes, np.float32).reshape(count, 4),
            "classes": np.array(classes, np.int64),
            "difficult": np.zeros(count, bool),
            "crowd": np.zeros(count, bool),
            "area": np.array(areas, np.float32),
            "mask": mask,
            "instances": instances,
            "instance_ids": np.arange(1, count + 1, dtype=np.int64),
            "label": np.array(classes[int(np.argmax(areas))] if count else 3, np.int64),
        }
        if self.labels:
            targets["labels"] = np.isin(np.arange(len(self.classes)), classes).astype(np.int64)
        if self.keypoints:
            targets["keypoints"] = np.array(faces, np.float32).reshape(count, len(FACE), 3)
            targets["keypoint_flip"] = np.array([0, 2, 1], np.int64)
        return Sample(self.id_of(index), image, {**targets, **solid})

    def _ground(self, rng: np.random.Generator) -> np.ndarray:
        """Soft blotches of middle brightness."""
        coarse = rng.integers(90, 150, (6, 6, 3), np.uint8)
        height, width = self.size
        return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))

    def _position(
        self, rng: np.random.Generator, boxes: list[tuple[int, int, int, int]]
    ) -> tuple[int, int, int] | None:
        """Centre and radius (x, y, r) of a free place, None if this draw found none."""
        height, width = self.size
        side = min(height, width)
        radius = int(rng.integers(max(5, side // 12), max(7, side // 4)))
        x = int(rng.integers(radius, width - radius))
        y = int(rng.integers(radius, height - radius))
        for x1, y1, x2, y2 in boxes:
            if x - radius < x2 and x + radius >= x1 and y - radius < y2 and y + radius >= y1:
                return None
        return x, y, radius
