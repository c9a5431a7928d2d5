"""The recipe that a plan begins with: a task's own for photographs, else one for any task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from densefit.model.heads.head import heads
from densefit.yaml_files.document import read_document
from densefit.yaml_files.recipe import CONFIGS

#: Task -> installed recipe for photographs.
RECIPES = {
    "detection": "finetune_ssd_mobilenetv2",
    "segmentation": "finetune_deeplab_mobilenetv2",
}
_FOR_OTHERS = RECIPES["detection"]  # backbone, optimizer and transforms
_OUT = "runs/{}"


def starting_recipe(tasks: Sequence[str]) -> dict[str, Any]:
    """Settings of a recipe for tasks; a task without one gets a head with default settings.

    Args:
        tasks: registered names of heads.

    Raises:
        ConfigError: an unknown task.
    """
    for task in tasks:
        heads.get(task)
    recipe = _read(RECIPES.get(tasks[0], _FOR_OTHERS))
    model, training = recipe["model"], recipe["training"]
    model["heads"] = {
        task: _read(RECIPES[task])["model"]["heads"][task] if task in RECIPES else {}
        for task in tasks
    }
    if [*tasks] != [task for task in tasks if task in RECIPES] or len(tasks) > 1:
        del training["best"]
    if len(tasks) > 1:
        training.pop("groups", None)  # which are of one head's rate
        training["best"], training["balance"] = "composite", {"name": "uncertainty"}
    recipe["data"] = {}
    recipe["out"] = _OUT.format("_".join(tasks))
    return recipe


def without_weights(training: Any) -> None:
    """Train all layers at one rate: frozen ones, and slow ones, need pretrained weights."""
    training.freeze, training.groups = [], {}


def is_of_backbone(pattern: str, backbone: str) -> bool:
    """Whether a pattern of parameter names begins with a backbone's name.

    >>> is_of_backbone("mobilenetv2_stem_*", "mobilenetv2"), is_of_backbone("fc_*", "resnet18")
    (True, False)
    """
    return re.match(rf"{re.escape(backbone)}[_*]", pattern) is not None


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = read_document(CONFIGS / f"{name}.yaml").value
    return content
