"""Transforms and loaders of a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from densefit.data.loader.loader import Loader
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.sample import Dataset
from densefit.data.transforms import Compose, transforms
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.tools.recipes.parts import named
from densefit.tools.recipes.recipe import Data, Recipe


class Input(Protocol):
    """Settings of a recipe for the network's input when scoring."""

    input_size: tuple[int, int]
    resize: str
    score_batch_size: int


def fitting(recipe: Input) -> Any:
    """Make the transform that resizes an image to the input size."""
    if recipe.resize not in ("letterbox", "stretch"):
        raise ConfigError(
            "Unknown way to resize", expected="letterbox or stretch", received=recipe.resize
        )
    height, width = recipe.input_size
    name = "letterbox" if recipe.resize == "letterbox" else "resize"
    return transforms.create(name, height=height, width=width)


def augmenting(augment: Sequence[Mapping[str, Any]], recipe: Input) -> Compose:
    """Make the training transforms; without a crop, a resize to the input size comes last.

    Transforms of fixed size and scales relative to the input use the recipe's `input_size` by
    default.
    """
    steps = [named(transforms, sized(step, recipe.input_size), "augment") for step in augment]
    if Compose(steps).output_size is None:
        steps.append(fitting(recipe))
    return Compose(steps)


def sized(step: Mapping[str, Any], input_size: Sequence[int]) -> dict[str, Any]:
    """Complete a transform's settings with the input size, for parameters that are not set.

    Args:
        step: name and settings.
        input_size: (height, width) of the network's input, in pixels.
    """
    settings = dict(step)
    name = settings.get("name")
    if name not in transforms.names():  # the registry says what is wrong with it
        return settings
    taken = inspect.signature(transforms.get(name)).parameters
    height, width = input_size
    if "height" in taken and not {"height", "width"} & set(settings):
        settings.update(height=height, width=width)
    if "input_size" in taken:
        settings.setdefault("input_size", (height, width))
    return settings


def train_loader(
    recipe: Recipe,
    dataset: Dataset,
    heads: Sequence[Head],
    transform: SampleTransform | None = None,
) -> Loader:
    """Make a loader of shuffled, augmented batches; a smaller last one is dropped (BatchNorm).

    Args:
        recipe: the settings.
        dataset: the training data.
        heads: heads to train.
        transform: by default the recipe's.
    """
    return Loader(
        dataset,
        batch_size=recipe.training.batch_size,
        transform=transform or augmenting(recipe.training.augment, recipe),
        heads=heads,
        taught=list(recipe.training.distill),
        workers=recipe.data.workers,
        worker_kind=recipe.data.worker_kind,
        shuffle=True,
        seed=recipe.seed,
        last="drop" if len(dataset) >= recipe.training.batch_size else "keep",
        on_error=recipe.data.on_error,
        originals=False,
    )


def score_loader(recipe: Input, dataset: Dataset, data: Data) -> Loader:
    """Make a loader of every sample once, in order, without augmentation.

    Args:
        recipe: settings of the network's input.
        dataset: to score.
        data: settings of the workers, and what becomes of broken samples.
    """
    if data.score_on_error not in ("raise", "skip"):
        raise ConfigError(
            "Unknown way to treat broken samples that are scored",
            expected="raise or skip",
            received=repr(data.score_on_error),
            where="data.score_on_error",
        )
    return Loader(
        dataset,
        batch_size=recipe.score_batch_size,
        transform=fitting(recipe),
        workers=data.workers,
        on_error="leave_out" if data.score_on_error == "skip" else "raise",
    )


def losses_loader(recipe: Recipe, validation: Any, heads: Sequence[Head]) -> Loader | None:
    """Make the loader of validation losses: labels encoded as in training, no augmentation.

    Args:
        recipe: the settings.
        validation: loader of the validation data.
        heads: heads to train.

    Returns:
        None if the recipe asks for no such losses.

    Raises:
        ConfigError: there are no validation data, or several datasets.
    """
    if not recipe.training.validation_losses:
        return None
    if not isinstance(validation, Loader):
        raise ConfigError(
            "Validation losses are of one validation dataset",
            received="none" if validation is None else f"{len(validation)} datasets",
            where="training.validation_losses",
            fix="leave it out",
        )
    return Loader(
        validation.dataset,
        batch_size=recipe.training.batch_size,
        transform=validation.transform,
        heads=heads,
        workers=recipe.data.workers,
        worker_kind=recipe.data.worker_kind,
        on_error=recipe.data.score_on_error,
        originals=False,
    )
