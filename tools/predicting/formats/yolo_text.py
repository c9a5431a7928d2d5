"""Predicted boxes as YOLO's text files: `class cx cy w h score`, in parts of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.model.heads.head import Head
from densefit.tools.predicting.pipeline import Result
from densefit.tools.predicting.selection import classes_of

from .writer import Context, Writer, objects_of, stem_of


class YoloText(Writer):
    """`yolo/<image>.txt`, and `yolo/<head>.names`; of several heads `yolo/<head>/<image>.txt`."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._named: set[str] = set()

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        folders = [f"{head}/" for head in heads]
        return [f"yolo/{folder}{stem_of(key)}.txt" for folder in ["", *folders]]

    def add(self, result: Result) -> None:
        heads = [head for head in self.network.heads if objects_of(result.predictions[head.name])]
        for head in heads:
            folder = "" if len(heads) == 1 else f"{head.name}/"
            lines = _lines(result, head)
            self.write(f"yolo/{folder}{stem_of(result.item.key)}.txt", "".join(lines))
            if head.name not in self._named:
                names = "".join(f"{name}\n" for name in classes_of(head))
                self.write(f"yolo/{head.name}.names", names)
                self._named.add(head.name)

    def finish(self) -> list[str]:
        return ["yolo/"] if self._named else []


def _lines(result: Result, head: Head) -> list[str]:
    prediction = result.predictions[head.name]
    height, width = result.image.shape[:2]
    scale = np.array([width, height, width, height], np.float64)
    boxes = np.asarray(prediction["boxes"], np.float64).reshape(-1, 4) / scale
    lines = []
    for (x1, y1, x2, y2), score, label in zip(
        boxes.tolist(), prediction["scores"], prediction["classes"]
    ):
        values = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, float(score)]
        lines.append(" ".join([str(int(label)), *(f"{value:.9f}" for value in values)]) + "\n")
    return lines
