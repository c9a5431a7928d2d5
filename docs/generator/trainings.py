"""Short trainings of every task on generated pictures, which the documentation shows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from densefit.tools import train

#: Anchors for shapes of 10 to 32 pixels.
_ANCHORS = {"strides": [8, 16], "sizes": [2.0, 2.83], "channels": 32}
_TWO_STAGES = {
    "strides": [8, 16],
    "sizes": [2.5],
    "channels": 48,
    "hidden": 128,
    "canonical_size": 32,
    "proposals": 40,
    "proposal_candidates": 60,
    "sampled": 24,
    "max_boxes": 20,
    "max_detections": 20,
}
_YOLACT = {"prototypes": 8, "channels": 32, "detection": _ANCHORS}
_MAP = {"decoder": "unet", "channels": 32}


@dataclass(frozen=True)
class Training:
    """What a task is trained with on generated pictures.

    Attributes:
        head: settings of its head.
        data: settings of the dataset `shapes` that give its targets.
        epochs: passes over 400 pictures.
        size: side of the network's input in pixels; pictures have twice as many, or less.
    """

    head: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 8
    size: int = 64


#: Task -> its training. A test compares the names with the registered tasks.
TRAININGS = {
    "classification": Training({"dropout": 0.1}, {"max_objects": 2}),
    "depth": Training({**_MAP, "loss": ["silog", "l1"], "max_depth": 8.0}, {"relief": True}, 6),
    "detection": Training(_ANCHORS),
    "faster_rcnn": Training(_TWO_STAGES),
    "fcos": Training({"strides": [8, 16], "channels": 48, "depth": 1}),
    "instance": Training(_YOLACT),
    "keypoints": Training({"channels": 32}, {"keypoints": True}, 8, 96),
    "mask_rcnn": Training({"mask_channels": 32, "detection": _TWO_STAGES}),
    "multilabel": Training({}, {"labels": True}),
    "normals": Training(_MAP, {"relief": True}, 6),
    "panoptic": Training({"score_threshold": 0.3, "segmentation": _MAP, "instance": _YOLACT}),
    "retinanet": Training(
        {"strides": [8, 16], "sizes": [2.0, 2.83], "channels": 48, "depth": 1}
        | {"normalization": "group"},
    ),
    "segmentation": Training(_MAP),
    "yolox": Training({"strides": [8, 16], "channels": 48}),
}


def recipe(task: str) -> dict[str, Any]:
    """The recipe of a task's training: pictures of 128 x 128, shown to the network smaller."""
    training = TRAININGS[task]
    return {
        "data": {
            "dataset": "shapes",
            "test": None,
            "check": False,
            "settings": {"length": 400, "size": [128, 128], **training.data},
        },
        "model": {
            "backbone": "resnet18",
            "settings": {"width": 16},
            "heads": {task: {"task": task, **training.head}},
        },
        "training": {
            "epochs": training.epochs,
            "batch_size": 8,
            "optimizer": "adam",
            "optimizer_params": {"wd": 1e-4},
            "schedule": {"name": "cosine", "lr": 2e-3, "warmup": "5%"},
            "augment": [{"name": "random_flip"}],
            "validate_every": f"{training.epochs}ep",
        },
        "input_size": [training.size, training.size],
        "score_batch_size": 16,
    }


def trained(task: str, runs: Path) -> Path:
    """The folder of a task's training, which is trained unless it is finished.

    Raises:
        RuntimeError: the training failed, as the terminal says.
    """
    run, path = runs / task, runs / f"{task}.yaml"
    runs.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(recipe(task), sort_keys=False), encoding="utf-8")
    if not (run / "predictions.png").is_file():
        shutil.rmtree(run, ignore_errors=True)  # of a run that was stopped
        code = train.main(["--config", str(path), "--out", str(run)])
        if code:
            raise RuntimeError(f"the training of {task} ended with {code}")
    return run
