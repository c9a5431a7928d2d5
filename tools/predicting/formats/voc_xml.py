"""Predicted boxes as PASCAL VOC's annotations, which annotation tools read."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import numpy as np

from densefit.tools.predicting.pipeline import Result
from densefit.tools.predicting.selection import classes_of

from .writer import Writer, objects_of, stem_of


class VocXml(Writer):
    """`voc/<image>.xml`: corners count from 1 and include the last pixel, as in VOC's files.

    Objects of all heads are in one file. A `score` follows each box, which VOC's own files lack and
    readers ignore.
    """

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        return [f"voc/{stem_of(key)}.xml"]

    def add(self, result: Result) -> None:
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = _valid(str(result.item.path))
        size = ElementTree.SubElement(root, "size")
        height, width = result.image.shape[:2]
        for tag, value in (("width", width), ("height", height), ("depth", 3)):
            ElementTree.SubElement(size, tag).text = str(value)
        for head in self.network.heads:
            prediction = result.predictions[head.name]
            if not objects_of(prediction):
                continue
            names = classes_of(head)
            boxes = np.asarray(prediction["boxes"], np.float64).reshape(-1, 4) + [1, 1, 0, 0]
            scores, labels = prediction["scores"], prediction["classes"]
            for corners, score, label in zip(boxes.tolist(), scores, labels):
                entry = ElementTree.SubElement(root, "object")
                ElementTree.SubElement(entry, "name").text = _valid(str(names[int(label)]))
                ElementTree.SubElement(entry, "difficult").text = "0"
                bounds = ElementTree.SubElement(entry, "bndbox")
                for tag, side in zip(("xmin", "ymin", "xmax", "ymax"), corners):
                    ElementTree.SubElement(bounds, tag).text = f"{side:.9g}"
                ElementTree.SubElement(entry, "score").text = f"{float(score):.9g}"
        ElementTree.indent(root)
        text = ElementTree.tostring(root, encoding="unicode")
        self.write(f"voc/{stem_of(result.item.key)}.xml", text + "\n")

    def finish(self) -> list[str]:
        return ["voc/"]


def _valid(text: str) -> str:
    """Text without characters that XML cannot hold: bytes of names that are no UTF-8, controls."""
    return "".join(c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "?" for c in text)
