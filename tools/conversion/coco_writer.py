"""Write a dataset as COCO: annotations/instances_<split>.json and images/<split>/."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.geometry import rle
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id
from densefit.datasets.coco.coco import COCO

from .writer import ImageFile, Writer


class COCOWriter(Writer):
    """The usual layout of COCO; with keypoints the same file also as person_keypoints."""

    name = "coco"
    holds = frozenset(
        ("boxes", "classes", "crowd", "area", "instances", "instance_ids", "instance_masks")
        + ("keypoints", "keypoint_flip")
    )

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._ids: dict[str, dict[str, int]] = {}  # split -> sample id -> image id

    def begin(self, split: str) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        # Other programs want numbers.
        ids = [sample_id(self.dataset, index) for index in range(len(self.dataset))]
        is_numbered = all(re.fullmatch("0|[1-9][0-9]{0,17}", text) for text in ids)
        self._ids[split] = {t: int(t) if is_numbered else n for n, t in enumerate(ids, 1)}
        (self.folder / "images" / split).mkdir(parents=True)
        (self.folder / "annotations").mkdir(exist_ok=True)

    def add(self, split: str, sample: Sample, image: ImageFile) -> None:
        name = self.file_name(split, sample) + image.extension
        path = self.folder / "images" / split / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.data)
        height, width = sample.image.shape[:2]
        self._images.append(
            {"id": self._ids[split][sample.id], "file_name": name, "height": height, "width": width}
        )
        masks = _run_lengths(sample)
        boxes = np.asarray(sample.targets.get("boxes", np.zeros((0, 4))), np.float64)
        for number, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            entry: dict[str, Any] = {
                "id": len(self._annotations) + 1,
                "image_id": self._ids[split][sample.id],
                "category_id": int(sample.targets["classes"][number]) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": float(_of(sample, "area", number, (x2 - x1) * (y2 - y1))),
                "iscrowd": int(_of(sample, "crowd", number, False)),
            }
            if masks is not None:
                entry["segmentation"] = rle.as_text(masks[number])
            if "keypoints" in sample.targets:
                entry.update(_keypoints(sample.targets["keypoints"][number]))
            self._annotations.append(entry)

    def finish(self, split: str) -> None:
        categories: list[dict[str, Any]] = [
            {"id": number, "name": name} for number, name in enumerate(self.classes, 1)
        ]
        kinds = ["instances"]
        if "keypoints" in self.targets:
            kinds.append("person_keypoints")
            names = list(self.dataset.keypoint_names)  # type: ignore[attr-defined]
            limbs = getattr(self.dataset, "limbs", None) or []
            skeleton = [[names.index(name) + 1 for name in limb] for limb in limbs]
            for category in categories:
                if category["name"] in getattr(self.dataset, "keypoint_classes", self.classes):
                    category.update(keypoints=names, skeleton=skeleton)
        content = {
            "images": self._images,
            "annotations": self._annotations,
            "categories": categories,
        }
        for kind in kinds:
            path = self.folder / "annotations" / f"{kind}_{split}.json"
            path.write_text(json.dumps(content))

    def written_id(self, split: str, sample: Sample) -> str:
        """Image id: the sample's, if these are numbers, else its place in the split from 1."""
        return str(self._ids[split][sample.id])

    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if "instances" in self.targets or "instance_masks" in self.targets:
            settings["instances"] = True
        if "keypoints" in self.targets:
            settings["keypoints"] = True
            pairs = getattr(self.dataset, "flip_pairs", None)
            if pairs is not None:
                settings["flip_pairs"] = [list(pair) for pair in pairs]
        return settings

    def reader(self, split: str) -> Dataset:
        dataset: Dataset = COCO(root=self.folder, split=split, **self.settings())
        return dataset


def _of(sample: Sample, name: str, number: int, default: Any) -> Any:
    """A property of an object, or the default where the dataset does not give it."""
    return sample.targets[name][number] if name in sample.targets else default


def _run_lengths(sample: Sample) -> list[Any] | None:
    """Run lengths of each object's mask; None if the sample has none."""
    targets = sample.targets
    if "instance_masks" in targets:
        return list(targets["instance_masks"])
    if "instances" in targets:
        return list(rle.encode_instances(targets["instances"], targets["instance_ids"]))
    return None


def _keypoints(points: np.ndarray) -> dict[str, Any]:
    """COCO's x, y, v of each keypoint: x and y are indices of pixels, half a pixel less than ours.

    Keypoints that are not labelled are 0, 0, 0.
    """
    flat: list[float] = []
    for x, y, visibility in points.tolist():
        is_labelled = visibility > 0
        flat += [x - 0.5, y - 0.5, int(visibility)] if is_labelled else [0, 0, 0]
    return {"keypoints": flat, "num_keypoints": int(np.count_nonzero(points[:, 2] > 0))}
