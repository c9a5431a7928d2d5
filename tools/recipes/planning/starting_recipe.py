"""The recipe that a plan begins with: a task's own for photographs, else one for any task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from densefit.model.heads.head import heads
from densefit.tools.recipes.planning.task_defaults import DEFAULTS, augment_of, head_defaults
from densefit.yaml_files.document import read_document
from densefit.yaml_files.recipe import CONFIGS

#: Task -> installed recipe for photographs.
RECIPES = {
    "detection": "finetune_ssd_mobilenetv2",
    "segmentation": "finetune_deeplab_mobilenetv2",
}
_OUT = "runs/{}"


def starting_recipe(tasks: Sequence[str]) -> dict[str, Any]:
    """Settings of a recipe for tasks; one without a recipe gets its head and transforms.

    Args:
        tasks: registered names of heads.

    Raises:
        ConfigError: an unknown task.
    """
    for task in tasks:
        heads.get(task)
    recipe = _read(_recipe_of(tasks[0]))
    model, training = recipe["model"], recipe["training"]
    model["heads"] = {
        task: _read(RECIPES[task])["model"]["heads"][task]
        if task in RECIPES
        else head_defaults(task)
        for task in tasks
    }
    training["augment"] = augment_of(tasks) or training["augment"]
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


def _recipe_of(task: str) -> str:
    """Name of the recipe with backbone, optimizer and schedule for a task."""
    is_dense = task in DEFAULTS and DEFAULTS[task].is_dense
    return RECIPES.get(task, RECIPES["segmentation" if is_dense else "detection"])


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = read_document(CONFIGS / f"{name}.yaml").value
    return content
