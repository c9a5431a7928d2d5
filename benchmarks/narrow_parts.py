"""Every registered backbone and head with settings that make it small."""

from __future__ import annotations

import inspect
from fnmatch import fnmatch
from typing import Any

import densefit as df
from densefit.datasets.shapes import Shapes
from densefit.model.backbones import backbones
from densefit.model.decoders import decoders
from densefit.model.heads.head import heads
from densefit.registry import load_plugins

SIZE = (64, 64)
#: Setting of a backbone -> small value; the first pattern that matches its name counts.
WIDTHS: dict[str, dict[str, Any]] = {
    "resnext*": {"width": 16},
    "hrnet*": {"width": 2, "stem": 4},
    "*": {"width": 4, "multiplier": 0.25},
}
DETECTION = {"strides": (8, 16), "channels": 8, "max_detections": 5}
INSTANCE = {"prototypes": 4, "channels": 8, "mask_positives": 6, "detection": DETECTION}
#: Setting of a head -> small value, for all heads that have it.
SMALL: dict[str, Any] = {
    "channels": 8,
    "depth": 1,
    "max_detections": 5,
    "prototypes": 4,
    "mask_positives": 6,
    "keypoints": Shapes.keypoint_names,
    "flip_pairs": Shapes.flip_pairs,
    "detection": DETECTION,
    "instance": INSTANCE,
    "segmentation": {"decoder": "fcn", "channels": 8},
}


def backbone_settings(name: str) -> dict[str, Any]:
    """Settings of a registered backbone that make it narrow."""
    widths = next(values for pattern, values in WIDTHS.items() if fnmatch(name, pattern))
    return {
        key: widths[key]
        for key in inspect.signature(backbones.get(name)).parameters
        if key in widths
    }


def head_settings() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name -> (task, settings) of each registered head; dense heads are there for each decoder."""
    load_plugins()
    shapes = Shapes(1, SIZE)
    classes = {"segmentation": shapes.mask_classes, "classification": shapes.label_classes}
    named: dict[str, tuple[str, dict[str, Any]]] = {}
    for task in heads.names():
        parameters = inspect.signature(heads.get(task)).parameters
        settings = {key: value for key, value in SMALL.items() if key in parameters}
        if "classes" in parameters:
            settings["classes"] = classes.get(task, shapes.classes)
        if "things" in parameters:
            settings.update(classes=shapes.mask_classes, things=shapes.classes)
        if "decoder" not in parameters:
            named[task] = task, settings
        elif task == "segmentation":
            for decoder in decoders.names():
                named[f"{task} {decoder}"] = task, {**settings, "decoder": decoder}
        else:
            named[task] = task, {**settings, "decoder": "fcn"}
    return named


def narrow_network(backbone: str, head: str) -> df.Network:
    """A network of a backbone and a head of `head_settings`."""
    task, settings = head_settings()[head]
    made = df.head(task, name="head", **settings)
    return df.Network(backbone, [made], settings=backbone_settings(backbone))
