"""Boxes in tables and text files, beside Python's csv module and a reader of a few lines."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.kind import SIZE, Kind, unlike, write_picture
from fuzz.lists import Lines
from fuzz.yolo import PIXELS, YOLO_KINDS, clipped, has_sliver, text_of

from densefit.datasets.csv_boxes.csv_boxes import CSVBoxes
from densefit.datasets.text_boxes.text_boxes import TextBoxes

_HEIGHT, _WIDTH = SIZE


class CsvTable(Lines):
    """A table of boxes."""

    name = "boxes CSV"
    target = "boxes.csv"

    def clean(self) -> list[bytes]:
        return [
            b"path,x1,y1,x2,y2,class\na.png,1,2,10,12,cat\nb.png,,,,,\na.png,5,5,31.5,20,dog\n",
            b"filename,width,height,class,xmin,ymin,xmax,ymax\r\n"
            b'a.png,32,24,"cat, big",1,2,10,12\r\nb.png,32,24,dog,3,4,32,24\r\n',
            b"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
            b"a,x,/m/1,1,0.25,0.5,0.25,0.75,1\nb,x,/m/2,1,0.1,0.9,0.1,0.9,0\n",
            b"a.png,1,2,10,12,cat\nb.png,,,,,\n",
            b"filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,"
            b'region_attributes\na.png,9,{},1,0,"{""name"":""rect"",""x"":3,""y"":4,""width"":5,'
            b'""height"":6}","{""kind"":""cat""}"\nb.png,9,{},0,0,{},{}\n',
        ]

    def write(self, root: Path) -> None:
        for name in "ab":
            write_picture(root / f"{name}.png")

    def open(self, root: Path) -> Any:
        return CSVBoxes(root)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        text = text_of(data)
        if text is None:
            return None
        expected: dict[str, list[Any]] = {}
        try:
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
            if not rows:
                return None  # a table without a header
            for row in rows:
                name, box, label = _box_of_row(row)
                boxes = expected.setdefault(name, [])
                if box is not None and has_sliver([box]):
                    return None
                if box is not None and clipped(box) is not None:
                    boxes.append((label, clipped(box)))
        except (csv.Error, KeyError, ValueError, AttributeError, TypeError):
            return None
        for sample in samples.values():
            objects = expected.get(f"{sample.id}.png", [])
            names = [dataset.classes[label] for label in sample.targets["classes"]]
            boxes = np.array([box for _, box in objects], np.float32).reshape(-1, 4)
            said = unlike("classes", names, [label for label, _ in objects])
            said = said or unlike("boxes", sample.targets["boxes"], boxes, PIXELS)
            if said:
                return said
        return ""


def _box_of_row(row: Mapping[str, str]) -> tuple[str, list[float] | None, str]:
    """Image, box and class of a row of one of the three dialects with a plain header."""
    row = {key.strip(): value.strip() for key, value in row.items()}
    if "ImageID" in row:
        box = [float(row[key]) for key in ("XMin", "YMin", "XMax", "YMax")]
        box = [value * (_WIDTH, _HEIGHT)[i % 2] for i, value in enumerate(box)]
        return f"{row['ImageID']}.png", box, row["LabelName"]
    keys = ("x1", "y1", "x2", "y2") if "path" in row else ("xmin", "ymin", "xmax", "ymax")
    texts = [row[key] for key in keys]
    name = row["path"] if "path" in row else row["filename"]
    return name, [float(text) for text in texts] if any(texts) else None, row["class"]


class TextFile(Lines):
    """A text file of quadrilaterals, of one image."""

    name = "boxes text"
    target = "labels/target.txt"

    def clean(self) -> list[bytes]:
        return [
            b"1,2,10,2,10,12,1,12,a word, and more\n5,5,30,6,31,20,4,19,###\n",
            "\ufeff1,2,10,2,10,12,1,12,wörd\r\n".encode(),
        ]

    def write(self, root: Path) -> None:
        for name in ("other", "target"):
            write_picture(root / f"images/{name}.png")
        (root / "labels").mkdir()
        (root / "labels/other.txt").write_text("1,2,10,2,10,12,1,12,word\n")

    def open(self, root: Path) -> Any:
        return TextBoxes(root, columns="x1,y1,x2,y2,x3,y3,x4,y4,text")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        text = text_of(data)
        if text is None:
            return None
        boxes, difficult, raw = [], [], []
        for line in filter(str.strip, text.splitlines()):
            cells = line.strip().split(",", 8)
            values = [float(cell) for cell in cells[:8]]
            if not all(map(math.isfinite, values)):
                continue
            xs, ys = values[::2], values[1::2]
            raw.append([min(xs), min(ys), max(xs), max(ys)])
            if clipped(raw[-1]) is not None:
                boxes.append(clipped(raw[-1]))
                difficult.append("".join(cells[8:]).strip().strip('"') == "###")
        if has_sliver(raw):
            return None
        targets = samples[1].targets
        expected = np.array(boxes, np.float32).reshape(-1, 4)
        return unlike("boxes", targets["boxes"], expected, PIXELS) or unlike(
            "difficult", targets["difficult"].tolist(), difficult
        )


TEXT_LAYOUTS: tuple[Kind, ...] = (*YOLO_KINDS, CsvTable(), TextFile())
