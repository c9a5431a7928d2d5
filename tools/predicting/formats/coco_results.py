"""Predictions in COCO's results format: boxes, masks and keypoints, in full precision."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from densefit.tools.predicting.pipeline import Result
from densefit.tools.predicting.selection import classes_of

from .writer import Context, Writer, objects_of

#: Kind -> field of a prediction that it needs.
KINDS = {"bbox": "boxes", "segm": "masks", "keypoints": "keypoints"}


class CocoResults(Writer):
    """`coco/<head>_<kind>.json` for `densefit score coco`, and `coco/images.json`.

    Records of masks and keypoints have no bbox: by a bbox, programs would tell small objects from
    large ones, and by the mask otherwise.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._records: dict[str, list[dict[str, Any]]] = {}

    def add(self, result: Result) -> None:
        item = result.item
        image = self.numbers.image(item.path if item.video is None else item.key, item.key)
        for head in self.network.heads:
            prediction = result.predictions[head.name]
            if not objects_of(prediction):
                continue
            categories = self.numbers.categories(classes_of(head))
            for kind, field in KINDS.items():
                if field not in prediction:
                    continue
                records = self._records.setdefault(f"{head.name}_{kind}", [])
                scores = np.asarray(prediction["scores"], np.float64).tolist()
                labels = np.asarray(prediction["classes"]).tolist()
                for score, label, shape in zip(scores, labels, _shapes(kind, prediction)):
                    category = categories[label]
                    records.append(
                        {"image_id": image, "category_id": category, **shape, "score": score}
                    )

    def finish(self) -> list[str]:
        for name, records in self._records.items():
            self.write(f"coco/{name}.json", json.dumps(records))
        images = [{"id": number, "file_name": key} for key, number in self.numbers.images.items()]
        self.write("coco/images.json", json.dumps(images))
        return [f"coco/{name}.json" for name in self._records]


def _shapes(kind: str, prediction: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The fields of each object's record that describe its shape."""
    if kind == "bbox":
        boxes = np.asarray(prediction["boxes"], np.float64).reshape(-1, 4)
        for x1, y1, x2, y2 in boxes.tolist():
            yield {"bbox": [x1, y1, x2 - x1, y2 - y1]}
    elif kind == "segm":
        for mask in prediction["masks"]:
            yield {"segmentation": mask}
    else:
        points = np.asarray(prediction["keypoints"], np.float64)
        # COCO's coordinates are of pixel centres, half a pixel lower than continuous ones.
        points = points - np.array([0.5, 0.5, 0.0])
        for row in points.reshape(len(points), -1).tolist():
            yield {"keypoints": row}
