"""The networks of train_speed.py, and drawn pictures with labels for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import densefit as df
from densefit.yaml_files.document import read_document

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
SGD = {"momentum": 0.9, "wd": 1e-4, "learning_rate": 0.01}
ADAM = {"wd": 1e-4, "learning_rate": 1e-4}


@dataclass(frozen=True)
class Case:
    """A network with one head, and how it is trained.

    Attributes:
        task: of the head.
        head: settings of the head.
        size: (height, width) of the input.
        batch_size: samples an update.
        optimizer: name of an optimizer of MXNet.
        optimizer_params: settings of the optimizer.
        backbone: name of the backbone.
    """

    task: str
    head: dict[str, Any]
    size: tuple[int, int]
    batch_size: int
    optimizer: str
    optimizer_params: dict[str, float] = field(default_factory=dict)
    backbone: str = "resnet18"

    def network(self) -> df.Network:
        """Make the network, without parameters."""
        return df.Network(self.backbone, [df.head(self.task, **self.head)])


def _of_recipe(name: str, task: str, classes: int, size: tuple[int, int]) -> Case:
    """Make a case of a recipe's network, at the size of its training crops."""
    model = read_document(CONFIGS / f"{name}.yaml").value["model"]
    head = {**model["heads"][task], "classes": classes}
    head.pop("task")
    return Case(task, head, size, 8, "adam", ADAM, model["backbone"])


SMALLEST = "smallest"
CASES = {
    SMALLEST: Case("classification", {"classes": 10}, (32, 32), 2, "sgd", SGD),
    "resnet18": Case("classification", {"classes": 1000}, (224, 224), 16, "sgd", SGD),
    "resnet50": Case("classification", {"classes": 1000}, (224, 224), 16, "sgd", SGD, "resnet50"),
    "ssd": _of_recipe("ssd_resnet18_bccd", "detection", 3, (288, 384)),
    "deeplab": _of_recipe("deeplab_resnet18_camvid", "segmentation", 11, (240, 320)),
}


class Drawn:
    """Pictures of noise with labels for one task, the same in every run."""

    def __init__(self, case: Case, length: int) -> None:
        self.case, self._length = case, length
        count = case.head["classes"]
        self.classes = [f"class{i}" for i in range(count)]

    def __len__(self) -> int:
        return self._length

    def id_of(self, index: int) -> str:
        """The index."""
        return str(index)

    def __getitem__(self, index: int) -> df.Sample:
        rng = np.random.default_rng(index)
        height, width = self.case.size
        image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        targets: dict[str, np.ndarray] = {}
        if self.case.task == "classification":
            targets["label"] = np.array(rng.integers(len(self.classes)), np.int64)
        elif self.case.task == "segmentation":
            cells = rng.integers(0, len(self.classes), (height // 40, width // 40))
            targets["mask"] = np.kron(cells, np.ones((40, 40))).astype(np.uint8)
        else:
            corner = rng.uniform(0, 0.8, (15, 2)) * (width, height)
            boxes = np.concatenate([corner, corner + rng.uniform(25, 80, (15, 2))], 1)
            targets["boxes"] = boxes.clip(0, (width, height, width, height)).astype(np.float32)
            targets["classes"] = rng.integers(0, len(self.classes), 15)
        return df.Sample(str(index), image, targets)
