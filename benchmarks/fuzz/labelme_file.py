"""Files of labelme, beside Pillow and pycocotools."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import encoded, write_picture
from fuzz.text_changes import change_json
from fuzz.tool_file import (
    HEIGHT,
    MASK,
    TRIANGLE,
    WIDTH,
    Expected,
    ToolFile,
    around,
    number_of,
    painted,
    placed,
    require,
    text_of,
)
from PIL import Image

from densefit.datasets.labelme.labelme import Labelme


class LabelmeJson(ToolFile):
    """A file of labelme."""

    name = "labelme JSON"
    target = "a.json"

    def clean(self) -> list[bytes]:
        mask = base64.b64encode(encoded(MASK, "PNG")).decode()
        box = [[25.5, 20.0], [12.0, 4.0]]
        shapes: list[dict[str, Any]] = [
            {"label": "cat", "points": TRIANGLE, "shape_type": "polygon", "group_id": None},
            {"label": "dog", "points": box, "shape_type": "rectangle", "group_id": 1},
            {"label": "cat", "points": [[12, 12], [14, 16]], "shape_type": "circle"},
            {"label": "dog", "points": [[4, 18], [7, 20]], "shape_type": "mask", "mask": mask},
            {"label": "nose", "points": [[14.0, 8.0]], "shape_type": "point", "group_id": 1},
            {"label": "cat", "points": TRIANGLE[:2], "shape_type": "line", "flags": {}},
        ]
        size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
        content = {"version": "5.8.3", "flags": {"wet": True}, "shapes": shapes, **size}
        content.update(imagePath="a.png", imageData=None)
        old = {"shapes": [{"label": "cat", "points": TRIANGLE, "fill_color": None}]}
        old.update(imagePath="..\\a.png", imageData=None)
        return [json.dumps(content).encode(), json.dumps(old, indent=2).encode()]

    def structural(self) -> Change:
        return change_json

    def write(self, root: Path) -> None:
        write_picture(root / "a.png")
        write_picture(root / "b.png", 1)
        shape = {"label": "cat", "points": TRIANGLE}
        (root / "b.json").write_text(json.dumps({"shapes": [shape], "imagePath": "b.png"}))

    def open(self, root: Path) -> Any:
        settings = dict.fromkeys(("masks", "instances", "labels", "flags"), True)
        return Labelme(root, keypoints=["nose"], **settings)

    def objects(self, data: bytes) -> list[Expected]:
        content = json.loads(data)
        require(str(content["imagePath"]).endswith("a.png"))
        objects: list[Expected] = []
        groups: list[Any] = []
        for shape in content["shapes"]:
            kind, label = shape.get("shape_type") or "polygon", text_of(shape["label"])
            points = [[number_of(x), number_of(y)] for x, y in shape["points"]]
            flat = [value for point in points for value in point]
            if kind in ("line", "point"):
                continue
            if kind == "polygon":
                objects.append((label, around(flat), painted([flat])))
            elif kind == "rectangle":
                require(len(points) == 2)
                objects.append((label, around(flat), None))
            elif kind == "circle":
                (x, y), (u, v) = points
                radius = float(np.hypot(x - u, y - v))
                objects.append((label, [x - radius, y - radius, x + radius, y + radius], None))
            else:
                require(kind == "mask")
                picture = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
                values = np.asarray(picture)
                require(values.ndim == 2)
                left, top = map(int, points[0])
                objects.append((label, *placed(values, left, top)))
            if shape.get("group_id") is not None:
                groups.append((label, shape["group_id"]))
        require(len(set(groups)) == len(groups))
        return objects
