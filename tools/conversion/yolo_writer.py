"""Write a dataset as YOLO: images/<split>/, labels/<split>/ and data.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.sample import Dataset, Sample, datasets

from .writer import ImageFile, Writer


class YOLOWriter(Writer):
    """The layout of Ultralytics: `class cx cy w h` in parts of the image, then keypoints."""

    name = "yolo"
    holds = frozenset(("boxes", "classes", "keypoints", "keypoint_flip"))
    has_split_folders = True

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._splits: list[str] = []

    def begin(self, split: str) -> None:
        self._splits.append(split)
        for kind in ("images", "labels"):
            (self.folder / kind / split).mkdir(parents=True)

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        name = self.file_name(split, sample)
        for kind, extension, data in (
            ("images", image.extension, image.data),
            ("labels", ".txt", self._lines(sample).encode()),
        ):
            path = self.folder / kind / split / f"{name}{extension}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def finish(self, split: str) -> None:
        lines = ["path: ."] + [f"{name}: images/{name}" for name in self._splits]
        if "keypoints" in self.targets:
            names = list(self.dataset.keypoint_names)  # type: ignore[attr-defined]
            lines += [f"kpt_shape: [{len(names)}, 3]", f"flip_idx: {self._flip(names)}"]
            lines += [f"kpt_names: {json.dumps({0: names})}"]
        lines += ["names:"]
        lines += [f"  {number}: {json.dumps(name)}" for number, name in enumerate(self.classes)]
        (self.folder / "data.yaml").write_text("\n".join(lines) + "\n")

    def written_id(self, split: str, sample: Sample) -> str:
        """Path of the image below the folder, without extension."""
        return f"images/{split}/{super().written_id(split, sample)}"

    def settings(self) -> dict[str, Any]:
        if "keypoints" not in self.targets:
            return {}
        pairs = getattr(self.dataset, "flip_pairs", None) or []
        return {"keypoints": True, "flip_pairs": [list(pair) for pair in pairs]}

    def reader(self, split: str) -> Dataset:
        dataset: Dataset = datasets.create("yolo", root=self.folder, split=split, **self.settings())
        return dataset

    def _lines(self, sample: Sample) -> str:
        targets = sample.targets
        height, width = sample.image.shape[:2]
        scale = np.array([width, height, width, height], np.float64)
        boxes = np.asarray(targets.get("boxes", np.zeros((0, 4))), np.float64) / scale
        lines = []
        for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            values = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
            texts = [str(int(targets["classes"][number]))]
            texts += [f"{value:.9f}" for value in values]
            if "keypoints" in targets:
                for x, y, visibility in targets["keypoints"][number].tolist():
                    texts += [f"{x / width:.9f}", f"{y / height:.9f}", str(int(visibility))]
            lines.append(" ".join(texts) + "\n")
        return "".join(lines)

    def _flip(self, names: list[str]) -> list[int]:
        """Which keypoint each one is in a mirrored image."""
        order = list(range(len(names)))
        for left, right in getattr(self.dataset, "flip_pairs", None) or []:
            order[names.index(left)], order[names.index(right)] = (
                names.index(right),
                names.index(left),
            )
        return order
