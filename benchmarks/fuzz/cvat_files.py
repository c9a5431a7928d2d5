"""Files of CVAT, beside ElementTree and pycocotools."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.byte_changes import Change
from fuzz.kind import write_picture
from fuzz.tool_file import (
    HEIGHT,
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
from fuzz.xml_changes import change_xml

from densefit.datasets.cvat.cvat import CVAT


class CvatImages(ToolFile):
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
        size = f'width="{WIDTH}" height="{HEIGHT}"'
        body = f'<image id="0" name="a.png" {size}>{shapes}</image>'
        body += f'<image id="1" name="b.png" subset="train" {size}></image>'
        bare = f'<annotations><image name="a.png">{shapes[: shapes.index("<ellipse")]}</image>'
        return [self._file(body), f"{bare}</annotations>".encode()]

    def _file(self, body: str) -> bytes:
        labels = "".join(f"<label><name>{name}</name></label>" for name in ("cat", "dog", "sunny"))
        labels += "<label><name>pose</name><type>skeleton</type></label>"
        for name in ("nose", "tail"):
            labels += f"<label><name>{name}</name><parent>pose</parent></label>"
        size = f"<width>{WIDTH}</width><height>{HEIGHT}</height>"
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
            require(shape.get("group_id", "0") == "0" or shape.get("label") == "dog")
            require(shape.get("z_order", "0") == "0" and shape.tag != "skeleton")
            if shape.tag in ("box", "polygon", "mask", "ellipse"):
                objects.append((text_of(shape.get("label")), *self._shape(shape)))
        return objects

    def _shape(self, shape: ElementTree.Element) -> tuple[list[float], np.ndarray | None]:
        def value(name: str) -> float:
            text = shape.attrib[name]
            require(text.isascii() and "_" not in text)
            return number_of(float(text))

        if shape.tag == "box":
            require(float(shape.get("rotation", "0")) == 0)
            return [value(name) for name in ("xtl", "ytl", "xbr", "ybr")], None
        if shape.tag == "polygon":
            pairs = [pair.split(",") for pair in shape.attrib["points"].split(";")]
            flat = [number_of(float(text)) for x, y in pairs for text in (x, y)]
            return around(flat), painted([flat])
        if shape.tag == "ellipse":
            require(float(shape.get("rotation", "0")) == 0)
            x, y, rx, ry = (value(name) for name in ("cx", "cy", "rx", "ry"))
            return [x - rx, y - ry, x + rx, y + ry], None
        height, width = int(value("height")), int(value("width"))
        require(height * width <= HEIGHT * WIDTH)
        runs = [int(run) for run in shape.attrib["rle"].split(",")]
        require(min(runs) >= 0 and sum(runs) == height * width)
        flat = [number for i, run in enumerate(runs) for number in [i % 2] * run]
        mask = np.array(flat, np.uint8).reshape(height, width)
        return placed(mask, int(value("left")), int(value("top")))


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
                require(shape.get("z_order", "0") == "0" and not shape.get("group_id"))
                require(shape.get("outside", "0") in ("0", "1") and not track.get("group_id"))
                if shape.tag in ("box", "polygon") and shape.get("outside", "0") == "0":
                    if float(shape.attrib["frame"]) == 1:
                        objects.append((text_of(track.get("label")), *self._shape(shape)))
        return objects
