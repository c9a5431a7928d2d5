"""Learned loss weights of a training that resumes with another balancer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.engine.engine import Engine
from densefit.model.head_names import weight_name


def with_present_weights(
    parts: Mapping[str, Any], counters: Mapping[str, Any], learner: Engine
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Replace the loss weights in a checkpoint by the initial ones of the training's balancer.

    The new weights have no optimizer states. Weights that the checkpoint's balancer learned are
    dropped.

    Args:
        parts: arrays of the checkpoint by part.
        counters: update counters in the optimizer's state.
        learner: the training's engine, bound.
    """
    names = {weight_name(head) for head in learner.network.adapters}
    keys = {f"arg:{name}" for name in names}
    initial = {
        key: array for key, array in learner.parameters.training_values().items() if key in keys
    }
    replaced = dict(parts)
    for part in ("model", "training"):
        if part in parts:
            retained = {key: array for key, array in parts[part].items() if key not in keys}
            replaced[part] = {**retained, **initial}
    replaced["optimizer"] = {
        key: array
        for key, array in parts["optimizer"].items()
        if key.rpartition("/")[0] not in names
    }
    counts = {name: count for name, count in counters["counts"].items() if name not in names}
    return replaced, {**counters, "counts": counts}
