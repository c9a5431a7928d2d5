"""Files of annotation tools: labelme's JSON, CVAT's XML and Supervisely's JSON."""

from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import SIZE, Kind, encoded, unlike, write_picture
from fuzz.text_changes import change_json
from fuzz.xml_changes import change_xml
from PIL import Image
from pycocotools import mask as coco_mask

from densefit.datasets.cvat.cvat import CVAT
from densefit.datasets.labelme.labelme import Labelme
from densefit.datasets.supervisely.supervisely import Supervisely

_HEIGHT, _WIDTH = SIZE
_MASK = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 1, 0]], np.uint8)
_TRIANGLE = [[3.0, 2.5], [20.0, 2.5], [3.0, 15.25]]
#: Class, box, and mask where another reader has one.
Expected = tuple[str, list[float], "np.ndarray | None"]


class NotComparedError(Exception):
    """The other reader does not read the file, or not by the same rules."""


def _require(is_so: bool) -> None:
    if not is_so:
        raise NotComparedError


def _compared(dataset: Any, sample: Any, objects: list[Expected]) -> str:
    """Where a sample differs from objects that lie in the picture."""
    for _, (x1, y1, x2, y2), _ in objects:
        _require(0 <= x1 < x2 - 1 and 0 <= y1 < y2 - 1 and x2 <= _WIDTH and y2 <= _HEIGHT)
    targets = sample.targets
    names = [dataset.classes[i] for i in targets["classes"]]
    boxes = np.array([box for _, box, _ in objects], np.float32).reshape(-1, 4)
    said = unlike("classes", names, [name for name, _, _ in objects])
    said = said or unlike("boxes", targets["boxes"], boxes, 1e-3)
    for mask, (_, _, expected) in zip(targets["instance_masks"], objects):
        if expected is not None and not said:
            said = unlike("mask", coco_mask.decode(mask), expected.astype(np.uint8))
    return said


def _number(value: Any) -> float:
    _require(isinstance(value, (int, float)) and not isinstance(value, bool))
    _require(abs(value) <= 1e4)
    return float(value)


def _text(value: Any) -> str:
    _require(isinstance(value, str) and bool(value) and value == value.strip())
    return str(value)


def _painted(polygons: list[list[float]]) -> np.ndarray:
    _require(all(len(polygon) >= 6 for polygon in polygons))
    return np.asarray(
        coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, _HEIGHT, _WIDTH)))
    )


def _around(polygon: list[float]) -> list[float]:
    return [min(polygon[::2]), min(polygon[1::2]), max(polygon[::2]), max(polygon[1::2])]


def _placed(mask: np.ndarray, left: int, top: int) -> tuple[list[float], np.ndarray]:
    """The box around a mask, and the mask in its picture."""
    whole = np.zeros(SIZE, np.uint8)
    height, width = mask.shape
    _require(0 <= left <= _WIDTH - width and 0 <= top <= _HEIGHT - height and bool(mask.any()))
    whole[top : top + height, left : left + width] = mask > 0
    rows, columns = np.nonzero(whole)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return [float(value) for value in box], whole


class _Tool(Kind):
    """Compares the sample "a"."""

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            objects = self.objects(data)
            (sample,) = [sample for sample in samples.values() if sample.id == self.sample]
            return _compared(dataset, sample, objects)
        except (
            *(NotComparedError, ElementTree.ParseError, ValueError, TypeError),
            *(LookupError, AttributeError, OverflowError, RecursionError, SyntaxError, OSError),
        ):
            return None

    sample = "a"

    def objects(self, data: bytes) -> list[Expected]:
        """What the sample has, by another reader."""
        raise NotImplementedError


class LabelmeJson(_Tool):
    """A file of labelme."""

    name = "labelme JSON"
    target = "a.json"

    def clean(self) -> list[bytes]:
        mask = base64.b64encode(encoded(_MASK, "PNG")).decode()
        box = [[25.5, 20.0], [12.0, 4.0]]
        shapes: list[dict[str, Any]] = [
            {"label": "cat", "points": _TRIANGLE, "shape_type": "polygon", "group_id": None},
            {"label": "dog", "points": box, "shape_type": "rectangle", "group_id": 1},
            {"label": "cat", "points": [[12, 12], [14, 16]], "shape_type": "circle"},
            {"label": "dog", "points": [[4, 18], [7, 20]], "shape_type": "mask", "mask": mask},
            {"label": "nose", "points": [[14.0, 8.0]], "shape_type": "point", "group_id": 1},
            {"label": "cat", "points": _TRIANGLE[:2], "shape_type": "line", "flags": {}},
        ]
        size = {"imageHeight": _HEIGHT, "imageWidth": _WIDTH}
        content = {"version": "5.8.3", "flags": {"wet": True}, "shapes": shapes, **size}
        content.update(imagePath="a.png", imageData=None)
        old = {"shapes": [{"label": "cat", "points": _TRIANGLE, "fill_color": None}]}
        old.update(imagePath="..\\a.png", imageData=None)
        return [json.dumps(content).encode(), json.dumps(old, indent=2).encode()]

    def structural(self) -> Change:
        return change_json

    def write(self, root: Path) -> None:
        write_picture(root / "a.png")
        write_picture(root / "b.png", 1)
        shape = {"label": "cat", "points": _TRIANGLE}
        (root / "b.json").write_text(json.dumps({"shapes": [shape], "imagePath": "b.png"}))

    def open(self, root: Path) -> Any:
        settings = dict.fromkeys(("masks", "instances", "labels", "flags"), True)
        return Labelme(root, keypoints=["nose"], **settings)

    def objects(self, data: bytes) -> list[Expected]:
        content = json.loads(data)
        _require(str(content["imagePath"]).endswith("a.png"))
        objects: list[Expected] = []
        groups: list[Any] = []
        for shape in content["shapes"]:
            kind, label = shape.get("shape_type") or "polygon", _text(shape["label"])
            points = [[_number(x), _number(y)] for x, y in shape["points"]]
            flat = [value for point in points for value in point]
            if kind in ("line", "point"):
                continue
            if kind == "polygon":
                objects.append((label, _around(flat), _painted([flat])))
            elif kind == "rectangle":
                _require(len(points) == 2)
                objects.append((label, _around(flat), None))
            elif kind == "circle":
                (x, y), (u, v) = points
                radius = float(np.hypot(x - u, y - v))
                objects.append((label, [x - radius, y - radius, x + radius, y + radius], None))
            else:
                _require(kind == "mask")
                picture = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
                values = np.asarray(picture)
                _require(values.ndim == 2)
                left, top = map(int, points[0])
                objects.append((label, *_placed(values, left, top)))
            if shape.get("group_id") is not None:
                groups.append((label, shape["group_id"]))
        _require(len(set(groups)) == len(groups))
        return objects


class CvatImages(_Tool):
    """A file of CVAT for images."""

    name = "CVAT images"
    target = "annotations.xml"
    kind = "image"

    def clean(self) -> list[bytes]:
        corners = 'xtl="3.50" ytl="2.00" xbr="20.00" ybr="15.25"'
        shapes = (
            f'<box label="cat" source="manual" occluded="0" {corners} z_order="0">'
            '<attribute name="difficult">false</attribute></box>'
            '<polygon label="dog" occluded="0" points="3.00,2.50;20.00,2.50;3.00,15.25"/>'
            '<mask label="cat" rle="2, 3, 1, 1, 1, 3, 1" left="4" top="18" width="4" height="3"/>'
            '<ellipse label="dog" cx="12.00" cy="12.00" rx="6.00" ry="4.00"/>'
            '<points label="dog" points="3.00,2.50"/><tag label="sunny" source="manual"></tag>'
            f'<box label="dog" {corners} rotation="12.50" group_id="3"/>'
            '<skeleton label="pose"><points label="nose" outside="0" occluded="1" '
            'points="4.00,6.00"/><points label="tail" outside="0" points="14.00,9.00"/></skeleton>'
        )
        size = f'width="{_WIDTH}" height="{_HEIGHT}"'
        body = f'<image id="0" name="a.png" {size}>{shapes}</image>'
        body += f'<image id="1" name="b.png" subset="train" {size}></image>'
        bare = f'<annotations><image name="a.png">{shapes[: shapes.index("<ellipse")]}</image>'
        return [self._file(body), f"{bare}</annotations>".encode()]

    def _file(self, body: str) -> bytes:
        labels = "".join(f"<label><name>{name}</name></label>" for name in ("cat", "dog", "sunny"))
        labels += "<label><name>pose</name><type>skeleton</type></label>"
        for name in ("nose", "tail"):
            labels += f"<label><name>{name}</name><parent>pose</parent></label>"
        size = f"<width>{_WIDTH}</width><height>{_HEIGHT}</height>"
        meta = f"<task><labels>{labels}</labels><original_size>{size}</original_size></task>"
        return (
            f"<annotations><version>1.1</version><meta>{meta}</meta>{body}</annotations>".encode()
        )

    def structural(self) -> Change:
        return change_xml

    def write(self, root: Path) -> None:
        write_picture(root / "images/a.png")
        write_picture(root / "images/b.png", 1)

    def open(self, root: Path) -> Any:
        return CVAT(root, instances=True, labels=True)

    def objects(self, data: bytes) -> list[Expected]:
        root = ElementTree.fromstring(data)
        (image,) = [one for one in root.findall("image") if one.get("name") == "a.png"]
        objects: list[Expected] = []
        for shape in image:
            _require(shape.get("group_id", "0") == "0" or shape.get("label") == "dog")
            _require(shape.get("z_order", "0") == "0" and shape.tag != "skeleton")
            if shape.tag in ("box", "polygon", "mask", "ellipse"):
                objects.append((_text(shape.get("label")), *self._shape(shape)))
        return objects

    def _shape(self, shape: ElementTree.Element) -> tuple[list[float], np.ndarray | None]:
        def value(name: str) -> float:
            text = shape.attrib[name]
            _require(text.isascii() and "_" not in text)
            return _number(float(text))

        if shape.tag == "box":
            _require(float(shape.get("rotation", "0")) == 0)
            return [value(name) for name in ("xtl", "ytl", "xbr", "ybr")], None
        if shape.tag == "polygon":
            pairs = [pair.split(",") for pair in shape.attrib["points"].split(";")]
            flat = [_number(float(text)) for x, y in pairs for text in (x, y)]
            return _around(flat), _painted([flat])
        if shape.tag == "ellipse":
            _require(float(shape.get("rotation", "0")) == 0)
            x, y, rx, ry = (value(name) for name in ("cx", "cy", "rx", "ry"))
            return [x - rx, y - ry, x + rx, y + ry], None
        height, width = int(value("height")), int(value("width"))
        _require(height * width <= _HEIGHT * _WIDTH)
        runs = [int(run) for run in shape.attrib["rle"].split(",")]
        _require(min(runs) >= 0 and sum(runs) == height * width)
        flat = [number for i, run in enumerate(runs) for number in [i % 2] * run]
        mask = np.array(flat, np.uint8).reshape(height, width)
        return _placed(mask, int(value("left")), int(value("top")))


class CvatVideo(CvatImages):
    """A file of CVAT for video, with two frames as files."""

    name = "CVAT video"
    sample = "frame_000001"

    def clean(self) -> list[bytes]:
        state = 'occluded="0" keyframe="1"'
        corners = 'xtl="3.50" ytl="2.00" xbr="20.00" ybr="15.25" z_order="0"'
        boxes = "".join(
            f'<box frame="{i}" outside="{i // 2}" {state} {corners}/>' for i in range(3)
        )
        polygon = (
            f'<polygon frame="1" outside="0" {state} points="3.00,2.50;20.00,2.50;3.00,15.25"/>'
        )
        body = f'<track id="0" label="cat" source="manual">{boxes}</track>'
        return [self._file(f'{body}<track id="1" label="dog">{polygon}</track>')]

    def write(self, root: Path) -> None:
        write_picture(root / "images/frame_000000.PNG")
        write_picture(root / "images/frame_000001.PNG", 1)

    def objects(self, data: bytes) -> list[Expected]:
        objects: list[Expected] = []
        for track in ElementTree.fromstring(data).findall("track"):
            for shape in track:
                _require(shape.get("z_order", "0") == "0" and not shape.get("group_id"))
                _require(shape.get("outside", "0") in ("0", "1") and not track.get("group_id"))
                if shape.tag in ("box", "polygon") and shape.get("outside", "0") == "0":
                    if float(shape.attrib["frame"]) == 1:
                        objects.append((_text(track.get("label")), *self._shape(shape)))
        return objects


class SuperviselyJson(_Tool):
    """An annotation of Supervisely."""

    name = "Supervisely JSON"
    target = "street/ann/a.png.json"
    sample = "street/a"

    def clean(self) -> list[bytes]:
        outline = [[3, 2], [20, 2], [20, 15], [3, 15]]
        hole = [[8, 6], [12, 6], [12, 9], [8, 9]]
        data = base64.b64encode(zlib.compress(encoded(_MASK * 255, "PNG"))).decode()
        rows: list[dict[str, Any]] = [
            {"geometryType": "polygon", "points": {"exterior": outline, "interior": [hole]}},
            {
                "geometryType": "rectangle",
                "points": {"exterior": [[9, 20], [4, 3]], "interior": []},
            },
            {"geometryType": "bitmap", "bitmap": {"data": data, "origin": [4, 18]}},
            {"geometryType": "point", "points": {"exterior": [[1, 1]], "interior": []}},
            {"geometryType": "multipolygon", "parts": [{"exterior": outline, "interior": []}]},
            {"geometryType": "graph", "nodes": {"k": {"loc": [3, 4]}, "m": {"loc": [9, 9]}}},
        ]
        objects = [{"classTitle": "cat", "tags": [], **row} for row in rows]
        objects[1]["tags"] = [{"name": "difficult", "value": None}]
        size = {"height": _HEIGHT, "width": _WIDTH}
        content = {"size": size, "tags": [{"name": "train"}], "objects": objects}
        old = {"size": size, "tags": ["train"], "objects": [{**rows[0], "classTitle": "cat"}]}
        del old["objects"][0]["geometryType"]  # type: ignore[index]
        return [json.dumps(content).encode(), json.dumps(old).encode()]

    def structural(self) -> Change:
        return change_json

    def write(self, root: Path) -> None:
        write_picture(root / "street/img/a.png")
        (root / "meta.json").write_bytes(SuperviselyMeta().clean()[0])

    def open(self, root: Path) -> Any:
        return Supervisely(root, instances=True, keypoints=True)

    def objects(self, data: bytes) -> list[Expected]:
        objects: list[Expected] = []
        content = json.loads(data)
        for entry in content["objects"]:
            _require(not entry.get("instance"))
            if entry.get("geometryType") not in ("point", "line"):
                objects.append((_text(entry["classTitle"]), *self._shape(entry)))
        return [row for row in objects if row[2] is not None]

    def _shape(self, entry: Any) -> tuple[list[float], np.ndarray | None]:
        def ring(points: Any) -> np.ndarray:
            pairs = [[np.floor(_number(x)), np.floor(_number(y))] for x, y in points]
            return np.array(pairs, np.int32).reshape(-1, 2)

        kind = entry.get("geometryType") or "polygon"
        if kind == "graph":
            return [0.0, 0.0, 2.0, 2.0], None  # without a mask: left out
        if kind == "bitmap":
            bitmap = entry["bitmap"]
            png = zlib.decompress(base64.b64decode(bitmap["data"]))
            values = np.asarray(Image.open(io.BytesIO(png)))
            _require(values.ndim == 2)
            (origin,) = ring([bitmap["origin"]])
            return _placed(values, int(origin[0]), int(origin[1]))
        if kind == "multipolygon":
            (part,) = entry["parts"]
        else:
            part = entry["points"]
        corners = ring(part["exterior"])
        x1, y1, x2, y2 = _around(corners.ravel().astype(float).tolist())
        canvas = np.zeros(SIZE, np.uint8)
        if kind == "rectangle":
            _require(len(corners) == 2)
            canvas[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1] = 1
        else:
            _require(kind in ("polygon", "multipolygon"))
            cv2.fillPoly(canvas, [corners], (1,))
            holes = [ring(points) for points in part.get("interior") or []]
            if holes:
                cv2.fillPoly(canvas, holes, (0,))
        return [x1, y1, x2 + 1, y2 + 1], canvas


class SuperviselyMeta(Kind):
    """The classes of a project of Supervisely."""

    name = "Supervisely meta"
    target = "meta.json"
    told = ("/street/ann/a.png.json",)  # of a class that the project does not have

    def clean(self) -> list[bytes]:
        nodes = {"k": {"label": "nose", "loc": [1, 1]}, "m": {"label": "tail", "loc": [2, 2]}}
        config = {"nodes": nodes, "edges": [{"src": "k", "dst": "m"}]}
        cat = {"title": "cat", "shape": "any", "color": "#F00", "geometry_config": config}
        dog = {"title": "dog", "shape": "polygon", "color": "#0F0", "geometry_config": {}}
        content = {"classes": [cat, dog], "tags": [{"name": "train", "value_type": "none"}]}
        return [json.dumps(content).encode()]

    def structural(self) -> Change:
        return change_json

    def write(self, root: Path) -> None:
        write_picture(root / "street/img/a.png")
        (root / "street/ann").mkdir(parents=True)
        (root / SuperviselyJson.target).write_bytes(SuperviselyJson().clean()[0])

    def open(self, root: Path) -> Any:
        return Supervisely(root, keypoints=True, labels=True)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            names = [str(one["title"]) for one in json.loads(data)["classes"]]
        except (ValueError, TypeError, LookupError, RecursionError):
            return None
        return unlike("classes", dataset.classes, names)
