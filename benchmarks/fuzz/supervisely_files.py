"""Files of Supervisely, beside zlib, Pillow and OpenCV."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import SIZE, Kind, encoded, unlike, write_picture
from fuzz.text_changes import change_json
from fuzz.tool_file import (
    HEIGHT,
    MASK,
    WIDTH,
    Expected,
    ToolFile,
    around,
    number_of,
    placed,
    require,
    text_of,
)
from PIL import Image

from densefit.datasets.supervisely.supervisely import Supervisely


class SuperviselyJson(ToolFile):
    """An annotation of Supervisely."""

    name = "Supervisely JSON"
    target = "street/ann/a.png.json"
    sample = "street/a"

    def clean(self) -> list[bytes]:
        outline = [[3, 2], [20, 2], [20, 15], [3, 15]]
        hole = [[8, 6], [12, 6], [12, 9], [8, 9]]
        data = base64.b64encode(zlib.compress(encoded(MASK * 255, "PNG"))).decode()
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
        size = {"height": HEIGHT, "width": WIDTH}
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
            require(not entry.get("instance"))
            if entry.get("geometryType") not in ("point", "line"):
                objects.append((text_of(entry["classTitle"]), *self._shape(entry)))
        return [row for row in objects if row[2] is not None]

    def _shape(self, entry: Any) -> tuple[list[float], np.ndarray | None]:
        def ring(points: Any) -> np.ndarray:
            pairs = [[np.floor(number_of(x)), np.floor(number_of(y))] for x, y in points]
            return np.array(pairs, np.int32).reshape(-1, 2)

        kind = entry.get("geometryType") or "polygon"
        if kind == "graph":
            return [0.0, 0.0, 2.0, 2.0], None  # without a mask: left out
        if kind == "bitmap":
            bitmap = entry["bitmap"]
            png = zlib.decompress(base64.b64decode(bitmap["data"]))
            values = np.asarray(Image.open(io.BytesIO(png)))
            require(values.ndim == 2)
            (origin,) = ring([bitmap["origin"]])
            return placed(values, int(origin[0]), int(origin[1]))
        if kind == "multipolygon":
            (part,) = entry["parts"]
        else:
            part = entry["points"]
        corners = ring(part["exterior"])
        x1, y1, x2, y2 = around(corners.ravel().astype(float).tolist())
        canvas = np.zeros(SIZE, np.uint8)
        if kind == "rectangle":
            require(len(corners) == 2)
            canvas[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1] = 1
        else:
            require(kind in ("polygon", "multipolygon"))
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
