"""Decide what a recipe leaves open, from its data and the machine, and say what was decided."""

from __future__ import annotations

import os
from collections.abc import Set
from typing import Any

from densefit import engine
from densefit.callbacks.memory_use import host_free
from densefit.checkpoint.weights.library.search import IMAGENET, find_imagenet
from densefit.data.sample import Dataset
from densefit.errors import DensefitError
from densefit.model.backbones import backbones
from densefit.process.cpus import available_cpus
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.planning.decisions import Machine, batch_size, epochs, image_size
from densefit.tools.recipes.planning.fingerprint import Fingerprint, fingerprint_of
from densefit.tools.recipes.planning.layout import find_layout, targets_of_task
from densefit.tools.recipes.planning.quiet import quiet
from densefit.tools.recipes.planning.reading import reading
from densefit.tools.recipes.planning.splits import plan_splits
from densefit.tools.recipes.planning.starting_recipe import without_weights
from densefit.tools.recipes.planning.task_defaults import most_pixels
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.words.counted import counted

_VALIDATIONS = 8  # of a training
#: A line of a plan: (what, decision and why).
Line = tuple[str, str]


def plan(recipe: Recipe, named: Set[str]) -> list[Line]:
    """Set what the user has not, and return what was decided.

    Args:
        recipe: the starting recipe with the user's settings, which is changed.
        named: dotted keys that the user has set.

    Raises:
        DensefitError: a folder has no known layout, or no samples.
    """
    lines: list[Line] = []
    datasets: list[Dataset] = []
    for where, part in _parts(recipe).items():
        lines += _plan_data(recipe, where, part, named)
        datasets.append(make_dataset(part, part.train, where))
    data = fingerprint_of(datasets)
    lines.append(("images", str(data)))
    lines.append(_plan_weights(recipe, named))
    machine = machine_of(recipe)
    lines.append(_plan_image_size(recipe, named, data, machine))
    return [*lines, *plan_length(recipe, named, data.samples, machine)]


def plan_length(recipe: Recipe, named: Set[str], samples: int, machine: Machine) -> list[Line]:
    """Set the batch, the epochs and how often is validated, where the user has not.

    Args:
        recipe: settings, which are changed.
        named: dotted keys that the user has set.
        samples: number of training samples.
        machine: what computes.
    """
    training = recipe.training
    if "training.batch_size" in named:
        lines = [("batch", f"{training.batch_size} images an update (as set)")]
    else:
        lines = [planned_batch(recipe, samples, machine)]
    per_epoch = max(1, samples // (training.batch_size * training.accumulate))
    why = f"as set: {counted(training.epochs * per_epoch, 'update')}, {per_epoch} an epoch"
    if "training.epochs" not in named:
        has_weights = recipe.model.weights is not None or recipe.init_from is not None
        training.epochs, why = epochs(samples, training.batch_size, has_weights)
    lines.append(("length", f"{counted(training.epochs, 'epoch')} ({why})"))
    if "training.validate_every" not in named:
        training.validate_every = validated_every(training.epochs)
    return lines


def planned_batch(recipe: Recipe, samples: int, machine: Machine) -> Line:
    """Set the batch to what fits."""
    height, width = recipe.input_size
    recipe.training.batch_size, why = batch_size(samples, (height, width), machine)
    return "batch", f"{recipe.training.batch_size} images an update ({why})"


def validated_every(number: int) -> str:
    """How often a training of so many epochs is validated.

    >>> validated_every(40), validated_every(3)
    ('5ep', '1ep')
    """
    return f"{max(1, number // _VALIDATIONS)}ep"


def machine_of(recipe: Recipe) -> Machine:
    """What a recipe trains on, and its free memory."""
    device = recipe.devices[0] if recipe.devices else "cpu"
    if device == "cpu" or ":" not in device and device != "cuda" and device != "gpu":
        return Machine(available_cpus(), host_free())
    free = engine.device_memory(recipe.engine)
    number = device.partition(":")[2]
    memory = free.get(int(number) if number.isdecimal() else 0)
    return Machine(available_cpus(), None if memory is None else float(memory[0]), is_gpu=True)


def _parts(recipe: Recipe) -> dict[str, Any]:
    """Name of the settings -> settings, of each dataset."""
    several = getattr(recipe, "datasets", None)
    return (
        {f"datasets.{name}": part for name, part in several.items()}
        if several
        else {"data": recipe.data}
    )


def _plan_data(recipe: Recipe, where: str, part: Any, named: Set[str]) -> list[Line]:
    """Layout, splits and settings of a dataset."""
    needs = {
        name: targets_of_task(settings.get("task", name), settings)
        for name, settings in recipe.model.heads.items()
    }
    how = "as set"
    if f"{where}.dataset" not in named:
        alone = frozenset().union(*needs.values()) if where == "data" else frozenset()
        part.dataset, how = find_layout(str(part.root), alone), "found by its files"
    folder = min(str(part.root), os.path.relpath(str(part.root)), key=len)
    lines = [("data", f"{folder}: layout {part.dataset} ({how})")]
    keys = {f"{where}.{key}" for key in ("train", "validation", "test", "splits", "group_by")}
    if not any(name == key or name.startswith(f"{key}.") for name in named for key in keys):
        with quiet():
            lines.append(("splits", plan_splits(part, where)))
    part.settings = {**reading(part, where, needs), **part.settings}
    return lines


def _plan_weights(recipe: Recipe, named: Set[str]) -> Line:
    """Pretrained weights, where they are on this machine; frozen layers need them."""
    model, training = recipe.model, recipe.training
    if "model.weights" in named and model.weights is not None:
        text = f"{model.backbone} with weights {model.weights}"
    elif "model.weights" not in named and model.weights == IMAGENET:
        try:
            find_imagenet(backbones.create(model.backbone, **model.settings))
            text = f"{model.backbone} with ImageNet's weights"
        except DensefitError as error:
            model.weights = None
            text = f"{model.backbone} from random weights; with ImageNet's it needs fewer updates"
            text += (
                " (densefit weights list)"
                if "fetch" not in str(error.fix)
                else (f" ({str(error.fix).partition(';')[0]})")
            )
    else:
        model.weights, text = None, f"{model.backbone} from random weights"
    if model.weights is None and recipe.init_from is None:
        before = training.freeze if "training.freeze" in named else []
        without_weights(training)
        training.freeze = before
    elif not any(pattern.startswith(model.backbone) for pattern in training.freeze):
        if "training.freeze" not in named:
            without_weights(training)
    if training.freeze:
        text += f"; {', '.join(training.freeze)} frozen"
    return "network", f"{', '.join(recipe.model.heads)} on {text}"


def _plan_image_size(recipe: Recipe, named: Set[str], data: Fingerprint, machine: Machine) -> Line:
    why = "as set"
    if "input_size" not in named:
        tasks = [settings.get("task", name) for name, settings in recipe.model.heads.items()]
        recipe.input_size, why = image_size(data, machine, most_pixels(tasks))
    height, width = recipe.input_size
    text = f"{height}x{width} ({why})"
    small = data.small_side
    if small is not None:
        scale = min(height / data.median_size[0], width / data.median_size[1])
        text += f"; a quarter of the objects are under {small * scale:.0f} pixels in it"
    return "image size", text
