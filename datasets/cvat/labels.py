"""The labels that the head of a CVAT file declares."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.data.io.image_limits import check_pixels

# The drawing of a skeleton is text in the file: <line ... data-node-from="1" data-node-to="2"> and
# <circle ... data-node-id="1" data-label-name="nose">.
_TAG = re.compile(r"<(line|circle)\b([^>]*)>")
_ATTRIBUTE = re.compile(r"""\b(data-[a-z-]+)\s*=\s*["']([^"']*)["']""")


@dataclass
class Labels:
    """Declared labels.

    Attributes:
        names: of the labels, in order, without the points of skeletons.
        points: skeleton -> names of its points, in order.
        limbs: skeleton -> pairs of indices of points, from 1 on.
        frame_size: (height, width) of a video; None if none is stated.
    """

    names: list[str] = field(default_factory=list)
    points: dict[str, list[str]] = field(default_factory=dict)
    limbs: dict[str, list[list[int]]] = field(default_factory=dict)
    frame_size: tuple[int, int] | None = None

    def categories(self, classes: Collection[str]) -> list[dict[str, Any]]:
        """Categories as `read_skeleton` takes them, of the classes."""
        return [
            {
                "name": name,
                "keypoints": self.points.get(name, []),
                "skeleton": self.limbs.get(name, []),
            }
            for name in classes
        ]


def read_labels(meta: ElementTree.Element, path: Path) -> Labels:
    """The labels in the element `meta`, of a task, a job or a project.

    Args:
        meta: the element.
        path: of the file, for errors.

    Raises:
        DataError: the frames of a video have more pixels than an image may have.
    """
    labels, drawings = Labels(), {}
    for element in meta.iter("label"):
        name = (element.findtext("name") or "").strip()
        parent = (element.findtext("parent") or "").strip()
        if not name:
            continue
        if parent:
            points = labels.points.setdefault(parent, [])
            points += [name] * (name not in points)
        elif name not in labels.names:
            labels.names.append(name)
            drawings[name] = element.findtext("svg") or ""
    for name, points in labels.points.items():
        labels.limbs[name] = _limbs(drawings.get(name, ""), points)
    size = meta.find(".//original_size")
    if size is not None:
        sides = [(size.findtext(side) or "").strip() for side in ("height", "width")]
        if all(side.isascii() and side.isdigit() and len(side) < 8 for side in sides):
            height, width = map(int, sides)
            if height and width:
                check_pixels((height, width), path)
                labels.frame_size = (height, width)
    return labels


def _limbs(drawing: str, points: list[str]) -> list[list[int]]:
    nodes: dict[str, str] = {}
    ends: list[tuple[str, str]] = []
    for tag, text in _TAG.findall(drawing):
        values = dict(_ATTRIBUTE.findall(text))
        if tag == "circle" and "data-node-id" in values:
            nodes[values["data-node-id"]] = values.get("data-label-name", "")
        elif "data-node-from" in values and "data-node-to" in values:
            ends.append((values["data-node-from"], values["data-node-to"]))
    named = [(nodes.get(first, ""), nodes.get(second, "")) for first, second in ends]
    return [
        [points.index(first) + 1, points.index(second) + 1]
        for first, second in named
        if first in points and second in points
    ]
