"""Settings of a training that follow several scores: each gets one name in the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from densefit.errors import ConfigError, located
from densefit.metrics.core.weighted_scores import WeightedScores
from densefit.tools.recipes.recipe import Training

#: Name of the weighted mean among the scores; that of other weights has a number behind it.
WEIGHTED = "weighted"


def with_named_scores(training: Training) -> tuple[Training, dict[str, WeightedScores]]:
    """Replace several scores by the name of their weighted mean.

    Settings with equal scores and weights share a name.

    Args:
        training: `best`, and `metric` of its schedule and callbacks, may be a list of scores
            (equal weights), or score -> weight.

    Returns:
        The training, whose settings are names; and the means by name.

    Raises:
        ConfigError: a weight that is not a number above 0, or a score twice.
    """
    means: dict[str, WeightedScores] = {}

    def named(value: Any, where: str) -> Any:
        if value is None or isinstance(value, str):
            return value
        weights = _weights(value, where)
        for name, mean in means.items():
            if mean.weights == weights:
                return name
        with located(where):
            mean = WeightedScores(weights)
        name = WEIGHTED if not means else f"{WEIGHTED}_{len(means) + 1}"
        means[name] = mean
        return name

    def entry(settings: Any, where: str) -> Any:
        if not isinstance(settings, Mapping) or "metric" not in settings:
            return settings
        return {**settings, "metric": named(settings["metric"], f"{where}.metric")}

    best = named(training.best, "training.best")
    schedule = entry(training.schedule, "training.schedule")
    callbacks = [entry(each, "training.callbacks") for each in training.callbacks]
    return replace(training, best=best, schedule=schedule, callbacks=callbacks), means


def described(name: str | None, means: Mapping[str, WeightedScores]) -> str | None:
    """Describe the score of a name, for the start of a run.

    >>> described("weighted", {"weighted": WeightedScores({"a/AP": 1, "b/mIoU": 2})})
    'weighted, the mean of a/AP and b/mIoU (2 times)'
    """
    if name is None or name not in means:
        return name
    parts = [
        key if weight == 1 else f"{key} ({weight:g} times)"
        for key, weight in means[name].weights.items()
    ]
    return f"{name}, the mean of {' and '.join(parts)}"


def _weights(value: Any, where: str) -> dict[str, float]:
    """Score -> weight, of a list or a map."""
    names = list(value) if isinstance(value, (list, tuple, Mapping)) else []
    if not names or len(set(map(str, names))) < len(names) or not _are_texts(names):
        raise ConfigError(
            "Several scores are different names, with or without weights",
            expected="[detection/AP, segmentation/mIoU] or {detection/AP: 1, segmentation/mIoU: 2}",
            received=repr(value),
            where=where,
        )
    return dict(value) if isinstance(value, Mapping) else dict.fromkeys(names, 1.0)


def _are_texts(names: list[Any]) -> bool:
    return all(isinstance(name, str) for name in names)
