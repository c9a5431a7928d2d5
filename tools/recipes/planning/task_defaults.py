"""What a training of each task begins with, where the user states nothing: head and transforms."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_ASPP = {"channels": 96, "rates": [3, 6, 9]}  # as in finetune_deeplab_mobilenetv2
_ANCHORS = {  # as in finetune_ssd_mobilenetv2
    "strides": [8, 16, 32, 64],
    "sizes_relative_to": "input",
    "sizes": [[0.06, 0.09], [0.13, 0.2], [0.28, 0.42], [0.6, 0.85]],
    "ratios": [1.0, 1.6, 0.625],
    "every_ratio": True,
    "channels": 96,
}


@dataclass(frozen=True)
class TaskDefaults:
    """Defaults of a task on photographs.

    Attributes:
        head: settings of the head.
        scale: lowest and highest factor of `random_scale_crop`.
        jitter: strength of `color_jitter`: brightness, contrast and saturation; a tenth is hue.
        is_dense: whether it begins with the recipe of segmentation, else with that of detection.
        pixels: most pixels of an image on two cores; None: those of the plan.
    """

    head: dict[str, Any] = field(default_factory=dict)
    scale: tuple[float, float] = (0.6, 1.6)
    jitter: float = 0.3
    is_dense: bool = False
    pixels: int | None = None


#: Task -> defaults. Detection and segmentation have recipes instead. A class is of the whole image,
#: which is therefore never cropped to less than half; the size of an object tells its depth.
DEFAULTS: dict[str, TaskDefaults] = {
    "classification": TaskDefaults({"dropout": 0.2}, scale=(1.0, 1.4), pixels=224 * 224),
    "multilabel": TaskDefaults({"dropout": 0.2}, scale=(1.0, 1.2), pixels=224 * 224),
    "keypoints": TaskDefaults(scale=(0.75, 1.35), jitter=0.2),
    "instance": TaskDefaults({"channels": 96, "metric": "both", "detection": _ANCHORS}),
    "panoptic": TaskDefaults(
        {"segmentation": _ASPP, "instance": {"channels": 96, "detection": _ANCHORS}},
        is_dense=True,
    ),
    "depth": TaskDefaults(_ASPP, scale=(1.0, 1.2), jitter=0.2, is_dense=True),
    "normals": TaskDefaults(_ASPP, scale=(1.0, 1.2), jitter=0.2, is_dense=True),
}


def head_defaults(task: str) -> dict[str, Any]:
    """Settings of a task's head.

    >>> head_defaults("classification"), head_defaults("fcos")
    ({'dropout': 0.2}, {})
    """
    return copy.deepcopy(DEFAULTS[task].head) if task in DEFAULTS else {}


def augment_of(tasks: Sequence[str]) -> list[dict[str, Any]] | None:
    """Random transforms that suit all tasks: the gentlest of each; None if none has defaults.

    >>> augment_of(["depth", "classification"])[0]
    {'name': 'random_scale_crop', 'low': 1.0, 'high': 1.2}
    >>> augment_of(["detection"])

    Args:
        tasks: registered names of heads.
    """
    defaults = [DEFAULTS[task] for task in tasks if task in DEFAULTS]
    if not defaults:
        return None
    low = max(settings.scale[0] for settings in defaults)
    high = min(settings.scale[1] for settings in defaults)
    strength = min(settings.jitter for settings in defaults)
    jitter = dict.fromkeys(("brightness", "contrast", "saturation"), strength)
    return [
        {"name": "random_scale_crop", "low": low, "high": high},
        {"name": "random_flip"},
        {"name": "color_jitter", **jitter, "hue": round(strength / 10, 3)},
    ]


def most_pixels(tasks: Sequence[str]) -> int | None:
    """Most pixels of an image on two cores, if all tasks have such a limit.

    >>> most_pixels(["classification"]), most_pixels(["classification", "detection"])
    (50176, None)
    """
    limits = [DEFAULTS[task].pixels if task in DEFAULTS else None for task in tasks]
    stated = [limit for limit in limits if limit is not None]
    return max(stated) if stated and len(stated) == len(limits) else None
