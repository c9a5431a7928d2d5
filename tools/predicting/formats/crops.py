"""Each detected object as an image: crops by class."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from densefit.tools.predicting.drawing_thresholds import drawing_head
from densefit.tools.predicting.pipeline import Result
from densefit.tools.predicting.selection import classes_of
from densefit.tools.report.pictures import write_image

from .writer import Writer, objects_of, stem_of


class Crops(Writer):
    """`crops/<head>/<class>/<image>-<n>.jpg` of the objects that are drawn, n by falling score."""

    _count = 0

    def add(self, result: Result) -> None:
        for head in self.network.heads:
            prediction = result.predictions[head.name]
            if not objects_of(prediction):
                continue
            names = classes_of(head)
            least = getattr(drawing_head(head), "draw_threshold", 0.0)
            rows = np.flatnonzero(np.asarray(prediction["scores"]) >= least)
            chosen = {name: np.asarray(prediction[name])[rows] for name in ("boxes", "classes")}
            for number, (crop, label) in enumerate(
                _crops(result.image, chosen["boxes"], chosen["classes"]), 1
            ):
                folder = re.sub(r"[^\w.-]", "-", str(names[label])).strip(".") or str(label)
                name = f"{stem_of(result.item.key)}-{number}.jpg"
                write_image(self.out / "crops" / head.name / folder / name, crop)
                self._count += 1

    def finish(self) -> list[str]:
        return [f"{self._count} crops"]


def _crops(
    image: np.ndarray, boxes: np.ndarray, classes: np.ndarray
) -> Iterator[tuple[np.ndarray, int]]:
    """(pixels, class) of each box, at least a pixel."""
    height, width = image.shape[:2]
    for (x1, y1, x2, y2), label in zip(boxes.tolist(), classes.tolist()):
        left, top = min(int(x1), width - 1), min(int(y1), height - 1)
        right, bottom = max(left + 1, int(np.ceil(x2))), max(top + 1, int(np.ceil(y2)))
        yield image[top:bottom, left:right], int(label)
