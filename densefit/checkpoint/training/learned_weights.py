"""Loss weights that a balancer learns, when a training resumes with another balancer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.engine.engine import Engine
from densefit.model.head_names import weight_name


def with_own_weights(
    parts: Mapping[str, Any], counters: Mapping[str, Any], learner: Engine
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Replace the loss weights in a checkpoint by those of the training's balancer.

    They have the training's initial values, and no optimizer states. Weights that the
    checkpoint's balancer learned are dropped.

    Args:
        parts: of the checkpoint.
        counters: the optimizer's, in its state.
        learner: of the training, bound.
    """
    names = {weight_name(head) for head in learner.network.adapters}
    keys = {f"arg:{name}" for name in names}
    own = {key: array for key, array in learner.parameters.training_values().items() if key in keys}
    found = dict(parts)
    for part in ("model", "training"):
        if part in parts:
            kept = {key: array for key, array in parts[part].items() if key not in keys}
            found[part] = {**kept, **own}
    found["optimizer"] = {
        key: array
        for key, array in parts["optimizer"].items()
        if key.rpartition("/")[0] not in names
    }
    counts = {name: count for name, count in counters["counts"].items() if name not in names}
    return found, {**counters, "counts": counts}
