"""The settings `class_weights: auto` and `auto_sqrt` of heads: numbers in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage import store
from densefit.data.classes.label_weights import label_weights
from densefit.data.classes.pixel_weights import median_frequency_weights
from densefit.data.sample import Dataset
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.tasks.classification.head import Classification
from densefit.tasks.panoptic.head import Panoptic
from densefit.tasks.segmentation.head import Segmentation
from densefit.tools.recipes.recipe import Recipe

#: Value of the setting -> exponent of the weights: roots weigh rare classes with less noise.
AUTOMATIC = {"auto": 1.0, "auto_sqrt": 0.5}
_KEY = "class_weights"
_PART = "segmentation"  # settings of a panoptic head's segmentation


def with_class_weights(
    make: Callable[..., Head],
    settings: Mapping[str, Any],
    recorded: MutableMapping[str, Any],
    dataset: Dataset,
) -> Head:
    """Make a head, with weights by median frequency if the recipe asks for `auto`.

    `auto_sqrt` takes the square roots of these weights. The weights are printed, and written into
    the recipe: its record, the checkpoint, a resume and a score have numbers.

    Args:
        make: makes the head of settings by keyword.
        settings: complete settings of the head.
        recorded: the head's settings in the recipe, which are changed.
        dataset: the training data.

    Raises:
        ConfigError: the head learns neither masks nor one class for an image.
        DataError: labels that cannot be read, or without any class.
    """
    asked = [part[_KEY] for part in _automatic(settings)]
    if not asked:
        return make(**settings)
    plain = make(**_replaced(settings, None))
    head: Any = plain.segmentation if isinstance(plain, Panoptic) else plain
    weights_of = _weights_for(head, plain.name, asked[0])
    # What is broken is an error of the training, or skipped there.
    numbers = weights_of(dataset, head, on_error="skip") ** AUTOMATIC[asked[0]]
    weights = [float(f"{number:.6g}") for number in numbers]
    listed = ", ".join(f"{name} {w:.3g}" for name, w in zip(head.classes, weights))
    root = "square roots of " if asked[0] == "auto_sqrt" else ""
    by = f"{root}median frequency, {len(dataset)} samples"
    print(f"class weights of {plain.name!r} ({by}): {listed}")
    for part in _automatic(recorded):
        part[_KEY] = weights
    return make(**_replaced(settings, weights))


def _weights_for(head: Any, name: str, asked: str) -> Callable[..., np.ndarray]:
    """The function that counts a head's labels. Raises ConfigError for a head without any."""
    if isinstance(head, Segmentation):
        return median_frequency_weights
    if isinstance(head, Classification):
        return label_weights
    raise ConfigError(
        "Weights by frequency are those of masks, or of one class an image",
        expected="a list of numbers",
        received=f"{_KEY}: {asked}",
        where=f"model.heads.{name}",
    )


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
    """The settings, and those of a part of the head, whose weights are to be counted."""
    for part in (settings, settings.get(_PART)):
        if isinstance(part, Mapping) and _is_automatic(part.get(_KEY)):
            yield part


def _is_automatic(value: Any) -> bool:
    return isinstance(value, str) and value in AUTOMATIC


def _replaced(settings: Mapping[str, Any], weights: list[float] | None) -> dict[str, Any]:
    """Settings with weights in place of `auto`."""
    result = dict(settings)
    if isinstance(result.get(_PART), Mapping):
        result[_PART] = _replaced(result[_PART], weights)
    if _is_automatic(result.get(_KEY)):
        result[_KEY] = weights
    return result
