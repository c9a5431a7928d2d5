"""Generated pictures: circles, squares and triangles on a textured ground."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.errors import ConfigError

# Where the parts of an upright face are, in parts of its shape's radius. A shape looks at us: its
# left is at our right.
FACE = {"nose": (0.0, 0.3), "left_eye": (0.25, -0.15), "right_eye": (-0.25, -0.15)}


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
        return (*names, *(["keypoints", "keypoint_flip"] if self.keypoints else ()))

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
            stamp = _stamp(kind, radius, angle)
            rows, columns = np.flatnonzero(stamp.any(axis=1)), np.flatnonzero(stamp.any(axis=0))
            end = (top + stamp.shape[0], left + stamp.shape[1])
            inside = stamp > 0
            mask[top : end[0], left : end[1]][inside] = kind + 1
            instances[top : end[0], left : end[1]][inside] = len(boxes) + 1
            image[top : end[0], left : end[1]][inside] = _colour(rng)
            if self.keypoints:
                faces.append(_paint_face(image, x, y, radius, angle))
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
        image = _grain(image, rng)
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
        if self.keypoints:
            targets["keypoints"] = np.array(faces, np.float32).reshape(count, len(FACE), 3)
            targets["keypoint_flip"] = np.array([0, 2, 1], np.int64)
        return Sample(self.id_of(index), image, targets)

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


def _stamp(kind: int, radius: int, angle: float) -> np.ndarray:
    """(2 r + 1, 2 r + 1) uint8, 1 inside the shape; a square or triangle is turned by `angle`."""
    stamp: np.ndarray = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
    if kind == 0:
        cv2.circle(stamp, (radius, radius), radius, (1,), -1)
        return stamp
    corners = 4 if kind == 1 else 3
    turns = np.arange(corners) / corners + (0.125 if kind == 1 else 0.75)
    turns = 2 * np.pi * turns + angle
    points = np.stack([np.cos(turns), np.sin(turns)], axis=1) * radius + radius
    cv2.fillPoly(stamp, [np.rint(points).astype(np.int32)], (1,))
    return stamp


def _paint_face(image: np.ndarray, x: int, y: int, radius: int, angle: float) -> np.ndarray:
    """Paint the face of a shape around pixel (x, y); (K, 3) float32 where its parts are."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    parts = np.rint(np.array(list(FACE.values())) @ turn.T * radius).astype(int) + (x, y)
    eyes = (255 - image[y, x]).tolist()
    for (column, row), colour in zip(parts.tolist(), ([128] * 3, eyes, eyes)):
        cv2.circle(image, (column, row), radius // 7, colour, -1)
    return np.concatenate([parts + 0.5, np.full((len(parts), 1), 2.0)], axis=1).astype(np.float32)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A colour that is brighter or darker than the ground in each channel."""
    dark = rng.integers(0, 60, 3)
    bright = rng.integers(180, 256, 3)
    return np.where(rng.random(3) < 0.5, dark, bright).astype(np.uint8)


def _grain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture with a little noise."""
    noise = np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape) >> 4
    return np.asarray(cv2.add(image, noise))
