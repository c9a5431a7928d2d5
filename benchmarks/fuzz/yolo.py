"""YOLO's label files and its description, beside a reader of a few lines and pycocotools."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from fuzz.byte_changes import Change
from fuzz.kind import SIZE, Kind, unlike, write_picture
from fuzz.lists import Lines
from fuzz.text_changes import change_yaml
from pycocotools import mask as coco_mask

from densefit.datasets.yolo.yolo import YOLO

_HEIGHT, _WIDTH = SIZE
PIXELS = 2e-4  # float32 steps of small images


def text_of(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text  # which may be UTF-16


def clipped(box: Sequence[float], size: tuple[float, float] = (_WIDTH, _HEIGHT)) -> Any:
    """A box cut to the image; None if nothing is left of it."""
    if not all(map(math.isfinite, box)) or max(map(abs, box)) > 1e6:
        return None
    x1, y1 = (max(value, 0.0) for value in box[:2])
    x2, y2 = min(box[2], size[0]), min(box[3], size[1])
    return [x1, y1, x2, y2] if x2 - x1 > 1e-3 and y2 - y1 > 1e-3 else None


def has_sliver(boxes: Sequence[Sequence[float]]) -> bool:
    """Whether a box is so thin that float32 decides whether it is one."""
    sides = [abs(side) for x1, y1, x2, y2 in boxes for side in (x2 - x1, y2 - y1)]
    return any(0 < side < 0.01 for side in sides)


class YoloLabels(Lines):
    """Boxes and polygons of an image."""

    name = "YOLO labels"
    target = "labels/train/target.txt"

    def clean(self) -> list[bytes]:
        return [
            b"0 0.5 0.5 0.25 0.5\n2 0.25 0.75 0.125 0.25\n",
            b"1 0.1 0.1 0.9 0.2 0.5 0.8\r\n1 5e-1 .5 0.5 0.5\r\n1 5e-1 .5 0.5 0.5\r\n",
            b"",
        ]

    def write(self, root: Path) -> None:
        for name in ("target", "other"):
            write_picture(root / f"images/train/{name}.png")
        (root / "labels/train").mkdir(parents=True)
        (root / "labels/train/other.txt").write_text("1 0.5 0.5 0.5 0.5\n")
        (root / "data.yaml").write_text("train: images/train\nnames: [cat, dog, emu]\n")

    def open(self, root: Path) -> Any:
        return YOLO(root, "train")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        text = text_of(data)
        if text is None:
            return None
        boxes, classes = [], []
        rows = [[float(word) for word in line.split()] for line in text.splitlines()]
        scale = (_WIDTH, _HEIGHT)
        raw = []
        for row in dict.fromkeys(map(tuple, filter(None, rows))):
            x, y, width, height = row[1:5]
            box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
            if len(row) > 5:
                box = [min(row[1::2]), min(row[2::2]), max(row[1::2]), max(row[2::2])]
                box = box if all(map(math.isfinite, row)) else [math.nan] * 4
            raw.append([value * scale[i % 2] for i, value in enumerate(box)])
            if clipped(raw[-1]) is not None:
                boxes.append(clipped(raw[-1]))
                classes.append(int(row[0]))
        if has_sliver(raw):
            return None
        targets = samples[1].targets
        expected = np.array(boxes, np.float32).reshape(-1, 4)
        return unlike("classes", targets["classes"].tolist(), classes) or unlike(
            "boxes", targets["boxes"], expected, PIXELS
        )


class YoloPolygons(YoloLabels):
    """Polygons of an image, as masks."""

    name = "YOLO polygons"

    def clean(self) -> list[bytes]:
        return [
            b"0 0.1 0.1 0.9 0.1 0.9 0.8 0.1 0.8\n2 0.25 0.75 0.5 0.25 0.75 0.75\n",
            b"1 0.1 0.1 0.9 0.2 0.5 0.8\n",
        ]

    def open(self, root: Path) -> Any:
        (root / "labels/train/other.txt").write_text("1 0.5 0.5 0.5 0.7 0.7 0.7\n")
        return YOLO(root, "train", masks=True, instances=True)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        text = text_of(data)
        if text is None or dataset.dropped:
            return None
        masks = []
        rows = [tuple(map(float, line.split())) for line in text.splitlines()]
        for row in dict.fromkeys(filter(None, rows)):
            polygon = [v * (_WIDTH, _HEIGHT)[i % 2] for i, v in enumerate(row[1:])]
            masks.append(coco_mask.merge(coco_mask.frPyObjects([polygon], *SIZE)))
        found = [coco_mask.decode(mask) for mask in samples[1].targets["instance_masks"]]
        return unlike("masks", np.array(found), np.array([coco_mask.decode(m) for m in masks]))


class YoloKeypoints(YoloLabels):
    """Boxes with keypoints."""

    name = "YOLO keypoints"

    def clean(self) -> list[bytes]:
        return [
            b"0 0.5 0.5 0.5 0.5 0.25 0.5 2 0.75 0.5 1\n0 0.25 0.25 0.5 0.5 0.1 0.1 2 0 0 0\n",
            b"1 0.5 0.5 0.25 0.5\n",
        ]

    def write(self, root: Path) -> None:
        super().write(root)
        yaml_file = root / "data.yaml"
        yaml_file.write_text(yaml_file.read_text() + "kpt_shape: [2, 3]\nflip_idx: [1, 0]\n")

    def open(self, root: Path) -> Any:
        return YOLO(root, "train", keypoints=True)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        text = text_of(data)
        if text is None or dataset.dropped:
            return None
        rows = [tuple(map(float, line.split())) for line in text.splitlines()]
        expected = np.zeros((0, 2, 3), np.float32)
        for row in dict.fromkeys(filter(None, rows)):
            points = np.array(row[5:] or [0] * 6, np.float32).reshape(2, 3)
            inside = ((points[:, :2] >= 0) & (points[:, :2] <= 1)).all(axis=1)
            points[:, :2] *= (_WIDTH, _HEIGHT)
            points[~(inside & (points[:, 2] > 0))] = 0
            expected = np.concatenate([expected, points[None]])
        return unlike("keypoints", samples[1].targets["keypoints"], expected, PIXELS)


class YoloDescription(Kind):
    """The data.yaml of YOLO."""

    name = "YOLO data.yaml"
    target = "data.yaml"
    told = ("/",)  # what it names is a folder or a list

    def clean(self) -> list[bytes]:
        return [
            b"path: .\ntrain: images/train\nval:\nnames:\n  0: cat\n  1: dog\n  2: emu\n",
            b"train: ../train/images\nval: [images/train]\nnc: 3\nnames: ['cat', 'dog', 'emu']\n",
            b"train: list.txt\nnames: [cat, dog, emu]\nkpt_shape: [2, 3]\nflip_idx: [1, 0]\n",
        ]

    def structural(self) -> Change:
        return change_yaml

    def write(self, root: Path) -> None:
        YoloLabels().write(root)
        write_picture(root / "train/images/a.png")
        (root / "train/labels").mkdir()
        (root / "train/labels/a.txt").write_text("1 0.5 0.5 0.5 0.5\n")
        (root / "labels/train/target.txt").write_text("2 0.5 0.5 0.5 0.5\n")
        (root / "list.txt").write_text("images/train/other.png\n")

    def open(self, root: Path) -> Any:
        return YOLO(root, "train")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:  # all words as texts
            content = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506 - texts only
            names = content["names"]
            names = list(names.values()) if isinstance(names, dict) else names
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
            return None
        if not names or any(name in dataset.classes for name in ("True", "False")):
            return None
        keys = content["names"]
        if isinstance(keys, dict):
            names = [keys[key] for key in sorted(keys, key=int)]
        if any(name.strip("+-.0123456789eE_xXoOinfaINFA") == "" for name in names):
            return None  # a number, which may be written in another way
        return unlike("classes", dataset.classes, [name.strip() for name in names])


YOLO_KINDS: tuple[Kind, ...] = (
    *(YoloLabels(), YoloPolygons(), YoloKeypoints(), YoloDescription()),
)
