"""The setting `class_weights: auto` of heads that learn masks: numbers in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.data.classes.pixel_weights import median_frequency_weights
from densefit.data.sample import Dataset
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.tasks.panoptic.head import Panoptic
from densefit.tasks.segmentation.head import Segmentation
from densefit.tools.recipes.recipe import Recipe

AUTO = "auto"
_KEY = "class_weights"
_PART = "segmentation"  # settings of a panoptic head's segmentation


def with_class_weights(
    make: Callable[..., Head],
    settings: Mapping[str, Any],
    recorded: MutableMapping[str, Any],
    dataset: Dataset,
) -> Head:
    """Make a head, with weights by median frequency if the recipe asks for `auto`.

    The weights are printed, and written into the recipe: its record, the checkpoint, a resume and
    a score have numbers.

    Args:
        make: makes the head of settings by keyword.
        settings: complete settings of the head.
        recorded: the head's settings in the recipe, which are changed.
        dataset: the training data.

    Raises:
        ConfigError: the head learns no masks.
        DataError: masks that cannot be read, or without any class.
    """
    if not any(_automatic(settings)):
        return make(**settings)
    plain = make(**_replaced(settings, None))
    segmentation = plain.segmentation if isinstance(plain, Panoptic) else plain
    if not isinstance(segmentation, Segmentation):
        raise ConfigError(
            "Weights by the frequency of pixels are those of masks",
            expected="a list of numbers",
            received=f"{_KEY}: {AUTO}",
            where=f"model.heads.{plain.name}",
        )
    # What is broken is an error of the training, or skipped there.
    numbers = median_frequency_weights(dataset, segmentation, on_error="skip")
    weights = [float(f"{number:.6g}") for number in numbers]
    listed = ", ".join(f"{name} {w:.3g}" for name, w in zip(segmentation.classes, weights))
    print(f"class weights of {plain.name!r} (median frequency, {len(dataset)} samples): {listed}")
    for part in _automatic(recorded):
        part[_KEY] = weights
    return make(**_replaced(settings, weights))


def use_saved_weights(recipe: Recipe) -> None:
    """On a resume, take the weights that the checkpoint's recipe has, in place of `auto`.

    Args:
        recipe: settings of the run, which are changed.
    """
    heads = recipe.model.heads
    if recipe.resume == "none" or not any(any(_automatic(s)) for s in heads.values()):
        return
    checkpoint = store.resolve(recipe.resume, Path(recipe.out) / "checkpoints")
    if checkpoint is None:
        return
    saved = store.read(checkpoint, only=[])[1]["extra"].get("recipe") or {}
    saved_heads = saved.get("model", {}).get("heads", {})
    for name, settings in heads.items():
        before = saved_heads.get(name, {})
        for part in _automatic(settings):
            source = before if part is settings else before.get(_PART, {})
            if isinstance(source.get(_KEY), list):
                part[_KEY] = source[_KEY]


def _automatic(settings: Mapping[str, Any]) -> Iterator[Any]:
    """The settings, and those of a part of the head, that ask for `auto`."""
    for part in (settings, settings.get(_PART)):
        if isinstance(part, Mapping) and part.get(_KEY) == AUTO:
            yield part


def _replaced(settings: Mapping[str, Any], weights: list[float] | None) -> dict[str, Any]:
    """Settings with weights in place of `auto`."""
    result = dict(settings)
    if isinstance(result.get(_PART), Mapping):
        result[_PART] = _replaced(result[_PART], weights)
    if result.get(_KEY) == AUTO:
        result[_KEY] = weights
    return result
