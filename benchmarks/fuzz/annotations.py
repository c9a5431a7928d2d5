"""Annotations of objects: VOC's XML and COCO's JSON, beside ElementTree and pycocotools."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import SIZE, Kind, unlike, write_picture
from fuzz.text_changes import change_json
from fuzz.xml_changes import change_xml
from pycocotools import mask as coco_mask

from densefit.datasets.coco.coco import COCO
from densefit.datasets.labelimg import LabelImg
from densefit.datasets.voc.voc import VOC

_HEIGHT, _WIDTH = SIZE


def voc_xml(name: str, boxes: list[tuple[int, int, int, int]], size: bool = True) -> str:
    """An annotation."""
    corners = ("xmin", "ymin", "xmax", "ymax")
    objects = "".join(
        f"<object><name>{'dog' if i % 2 else 'cat'}</name><difficult>{i % 2}</difficult><bndbox>"
        + "".join(f"<{key}>{value}</{key}>" for key, value in zip(corners, box))
        + "</bndbox></object>"
        for i, box in enumerate(boxes)
    )
    stated = f"<size><width>{_WIDTH}</width><height>{_HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}.png</filename>{stated * size}{objects}</annotation>"


class VocXml(Kind):
    """An annotation of VOC."""

    name = "VOC XML"
    target = "Annotations/target.xml"

    def clean(self) -> list[bytes]:
        boxes = [(1, 1, 10, 12), (5, 3, 32, 24), (8, 8, 9, 20)]
        return [
            voc_xml("target", boxes).encode(),
            b'<?xml version="1.0" encoding="utf-8"?>\n' + voc_xml("target", boxes, False).encode(),
            voc_xml("target", []).encode(),
        ]

    def structural(self) -> Change:
        return change_xml

    def write(self, root: Path) -> None:
        write_picture(root / "JPEGImages/target.png")
        write_picture(root / "JPEGImages/other.png", 1)
        for folder in ("Annotations", "ImageSets/Main"):
            (root / folder).mkdir(parents=True)
        (root / "Annotations/other.xml").write_text(voc_xml("other", [(2, 2, 8, 8), (3, 3, 9, 9)]))
        (root / "ImageSets/Main/train.txt").write_text("target\nother\n")

    def open(self, root: Path) -> Any:
        return VOC(root, labels=True)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            root = ElementTree.fromstring(data)
            boxes, classes, difficult = _voc_objects(root)
        except (ElementTree.ParseError, ValueError, TypeError, LookupError):
            return None
        targets = samples[0].targets
        return (
            unlike("classes", [dataset.classes[i] for i in targets["classes"]], classes)
            or unlike("boxes", targets["boxes"], np.array(boxes, np.float32).reshape(-1, 4), 1e-4)
            or unlike("difficult", targets["difficult"].tolist(), difficult)
        )


class LabelImgXml(VocXml):
    """An annotation in a folder without lists."""

    name = "labelImg XML"
    target = "annotations/target.xml"

    def write(self, root: Path) -> None:
        write_picture(root / "images/target.png")
        write_picture(root / "images/other.png", 1)
        (root / "annotations").mkdir()
        (root / "annotations/other.xml").write_text(voc_xml("other", [(2, 2, 8, 8), (3, 3, 9, 9)]))

    def open(self, root: Path) -> Any:
        return LabelImg(root, labels=True)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        return super().differs(data, dataset, {0: samples[1]})  # images by name


def _voc_objects(root: ElementTree.Element) -> tuple[list[Any], list[str], list[bool]]:
    """The usable objects by the rules that `VOC` states."""
    boxes, classes, difficult = [], [], []
    for thing in root.findall("object"):
        x1, y1, x2, y2 = (
            float(thing.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")
        )
        if not all(map(math.isfinite, (x1, y1, x2, y2))):
            raise ValueError("no number")
        if max(map(abs, (x1, y1, x2, y2))) > 1e6:
            continue
        box = (max(x1 - 1, 0), max(y1 - 1, 0), min(x2, _WIDTH), min(y2, _HEIGHT))
        if x2 < x1 or y2 < y1 or (x1, y1) == (x2, y2) or box[0] >= box[2] or box[1] >= box[3]:
            continue
        boxes.append(box)
        classes.append((thing.findtext("name") or "").strip())
        difficult.append(float(thing.findtext("difficult") or 0) != 0)
    return boxes, classes, difficult


def _content(keypoints: bool) -> dict[str, Any]:
    images = [
        {"id": i, "file_name": f"{name}.png", "height": _HEIGHT, "width": _WIDTH}
        for i, name in enumerate(("a", "b"), 1)
    ]
    square = [[2.0, 3.0, 12.0, 3.0, 12.0, 15.0, 2.0, 15.0]]
    counts = [40, 60, 100, 50, _HEIGHT * _WIDTH - 250]
    packed = coco_mask.frPyObjects({"size": list(SIZE), "counts": counts}, *SIZE)
    text = {"size": list(SIZE), "counts": packed["counts"].decode()}
    segmentations = [square, {"size": list(SIZE), "counts": counts}, text, square * 2]
    annotations: list[dict[str, Any]] = []
    for i, segmentation in enumerate(segmentations):
        crowd = int(i == 1)
        one = {"id": i + 1, "image_id": 1 + i // 2, "category_id": (7, 3)[i % 2], "iscrowd": crowd}
        one = {**one, "bbox": [2.0 + i, 3.0, 10.0, 12.0], "area": 120.0 - i}
        one["segmentation"] = segmentation
        if keypoints and i % 2 == 0:
            one["keypoints"] = [3, 4, 2, 9.5, 8, 1, 0, 0, 0]
            one["num_keypoints"] = 2
        annotations.append(one)
    dog: dict[str, Any] = {"id": 7, "name": "dog", "supercategory": "animal"}
    if keypoints:
        dog.update(keypoints=["nose", "left_ear", "right_ear"], skeleton=[[1, 2], [1, 3]])
    categories = [dog, {"id": 3, "name": "cat", "supercategory": "animal"}]
    return {
        "info": {"year": 2020},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


class CocoObjects(Kind):
    """A file of COCO with boxes, polygons and run lengths."""

    name = "COCO objects"
    target = "target.json"
    told = ("/images/",)  # a picture that the file names
    keypoints = False

    def clean(self) -> list[bytes]:
        content = _content(self.keypoints)
        bare = {key: content[key] for key in ("images", "annotations", "categories")}
        return [json.dumps(content).encode(), json.dumps(bare, indent=1).encode()]

    def structural(self) -> Change:
        return change_json

    def write(self, root: Path) -> None:
        write_picture(root / "images/a.png")
        write_picture(root / "images/b.png", 1)

    def open(self, root: Path) -> Any:
        more = {"keypoints": True} if self.keypoints else {"masks": True, "instances": True}
        return COCO(root / self.target, root / "images", labels=True, **more)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            content = json.loads(data)
            expected = {i: self._objects(content, sample.id) for i, sample in samples.items()}
        except (ValueError, TypeError, KeyError, OverflowError):
            return None
        for index, objects in expected.items():
            targets = samples[index].targets
            named = [dataset.classes[i] for i in targets["classes"]]
            said = unlike("classes", named, [one["class"] for one in objects])
            for key in objects[0] if objects else ():
                values = [one[key] for one in objects]
                if key == "mask":
                    found = [coco_mask.decode(one) for one in targets["instance_masks"]]
                    said = said or unlike("masks", np.array(found), np.array(values))
                elif key != "class":
                    said = said or unlike(key, targets[key], np.array(values, np.float32), 1e-3)
            if said:
                return said
        return ""

    def _objects(self, content: Any, image_id: str) -> list[dict[str, Any]]:
        names = {one["id"]: str(one["name"]) for one in content["categories"]}
        found = []
        for one in content["annotations"]:
            if str(one["image_id"]) != image_id:
                continue
            x, y, width, height = map(_number, one["bbox"])
            box = [max(x, 0), max(y, 0), min(x + width, _WIDTH), min(y + height, _HEIGHT)]
            if not (box[2] > box[0] and box[3] > box[1]):
                continue
            made: dict[str, Any] = {"class": names[one["category_id"]], "boxes": box}
            made["crowd"] = _number(one.get("iscrowd", 0)) != 0
            made["area"] = _number(one.get("area", width * height))
            if self.keypoints:
                made["keypoints"] = _points(one.get("keypoints"))
            else:
                made["mask"] = _mask(one["segmentation"])
            found.append(made)
        return found


class CocoKeypoints(CocoObjects):
    """A file of COCO with keypoints."""

    name = "COCO keypoints"
    keypoints = True


def _number(value: Any) -> float:
    """A number that JSON writes as one. Raises TypeError or ValueError for others."""
    if isinstance(value, (str, bool)) or value is None:
        raise TypeError("no number")
    if not abs(float(value)) <= 1e6:
        raise ValueError("not of a picture")
    return float(value)


def _points(given: Any) -> np.ndarray:
    points = np.array([_number(one) for one in given or [0] * 9], np.float64).reshape(3, 3)
    inside = (points[:, 0] >= 0) & (points[:, 0] <= _WIDTH)
    inside &= (points[:, 1] >= 0) & (points[:, 1] <= _HEIGHT) & (points[:, 2] > 0)
    points[:, :2] = np.minimum(points[:, :2] + 0.5, (_WIDTH, _HEIGHT))
    return np.where(inside[:, None], points, 0).astype(np.float32)


def _mask(segmentation: Any) -> np.ndarray:
    if isinstance(segmentation, list):
        parts = [[_number(one) for one in part] for part in segmentation if len(part) >= 6]
        if not parts or any(len(part) % 2 or max(map(abs, part)) > 1e4 for part in parts):
            raise ValueError("not for pycocotools")
        return coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(parts, _HEIGHT, _WIDTH)))
    if segmentation["size"] != list(SIZE):
        raise ValueError("another size")
    counts = segmentation["counts"]
    if isinstance(counts, list):
        if any(not isinstance(n, int) or n < 0 for n in counts) or sum(counts) != _HEIGHT * _WIDTH:
            raise ValueError("not for pycocotools")
        return coco_mask.decode(coco_mask.frPyObjects(segmentation, _HEIGHT, _WIDTH))
    return coco_mask.decode({"size": list(SIZE), "counts": _sound(counts)})


def _sound(text: Any) -> bytes:
    """Run lengths as a string that fill the picture: pycocotools does not look."""
    counts: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            part = ord(text[place]) - 48
            value |= (part & 0x1F) << 5 * shift
            more = bool(part & 0x20)
            place, shift = place + 1, shift + 1
            if not more and part & 0x10:
                value |= -1 << 5 * shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    if any(n < 0 for n in counts) or sum(counts) != _HEIGHT * _WIDTH:
        raise ValueError("not for pycocotools")
    return str(text).encode()
