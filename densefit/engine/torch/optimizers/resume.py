"""States and update counts of an optimizer, in the form that every engine reads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from densefit.engine.torch.optimizers.layerwise import LBSGD
from densefit.engine.torch.optimizers.optimizer import Optimizer
from densefit.engine.torch.tensors import to_array
from densefit.engine.training.optimizer_states import (
    RUNNING,
    check_counts,
    check_running,
    check_states,
    difference_of_engines,
    misfit,
    reason_to_restart,
    states_by_parameter,
)
from densefit.errors import CheckpointError

_log = logging.getLogger("densefit")


def optimizer_state(optimizer: Optimizer) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, counters) of an optimizer, by parameter name.

    Arrays are called `<parameter>/<path>`: "array"; "0", "1" of several; "none" without a state.
    """
    arrays: dict[str, np.ndarray] = {}
    for name in optimizer.counts:
        state = optimizer.state.get(optimizer.parameters[name], {})
        for slot in optimizer.slots:
            if slot in state:
                arrays[f"{name}/{slot}"] = to_array(state[slot])
        if not optimizer.slots:
            arrays[f"{name}/none"] = np.zeros(0, np.float32)
    running = {name: getattr(optimizer, name, None) for name in RUNNING}
    return arrays, {
        "num_update": int(optimizer.num_update),
        "begin_num_update": int(optimizer.begin_num_update),
        "counts": dict(optimizer.counts),
        "running": {name: value for name, value in running.items() if value is not None},
        "kind": optimizer.kind,
        "engine": "torch",
    }


def load_optimizer_state(
    optimizer: Optimizer,
    arrays: Mapping[str, np.ndarray],
    counters: Mapping[str, Any],
    is_other: bool = False,
) -> str:
    """Continue from what `optimizer_state` returned, of this engine or another.

    An optimizer of another kind starts from zero, and so does one whose settings need other states
    (a momentum that was 0).

    Args:
        optimizer: a new optimizer.
        arrays: states of the optimizer.
        counters: update counts of the optimizer.
        is_other: whether the optimizer's settings differ, or may differ.

    Returns:
        The reason for starting from zero, to be logged; "" if the optimizer continues.

    Raises:
        CheckpointError: the state belongs to other parameters, or is damaged.
    """
    kind = counters.get("kind", optimizer.kind)
    if kind == optimizer.kind:
        by_name = states_by_parameter(arrays, optimizer.parameters)
        error = _misfit(optimizer, by_name)
        if error is None or not is_other:
            check_counts(counters["counts"], optimizer.parameters)
            check_states(arrays, counters["counts"])
            check_running(counters["running"])
            if error is not None:
                raise error
            if isinstance(optimizer, LBSGD) and optimizer.batch_scale > 1:
                _log.warning(
                    "LBSGD's sums of earlier batches are in no checkpoint: it continues without "
                    "them, so the resume is not exact"
                )
            difference = difference_of_engines(kind, counters.get("engine", "torch"), "torch")
            if difference:
                _log.warning("%s", difference)
            _restore(optimizer, by_name, counters)
            return ""
    _restart(optimizer)
    return reason_to_restart(optimizer.kind, kind, optimizer.lr_scheduler is not None)


def _misfit(
    optimizer: Optimizer, by_name: Mapping[str, Mapping[str, np.ndarray]]
) -> CheckpointError | None:
    """Make the error for a state that the optimizer would not have; None if all fit."""
    for name, states in by_name.items():
        weight = optimizer.parameters[name]
        expected = {s: tuple(optimizer.new_state(s, weight).shape) for s in optimizer.slots}
        expected = expected or {"none": (0,)}
        received = {path: array.shape for path, array in states.items()}
        if expected != received or any(array.dtype.kind in "biuc" for array in states.values()):
            forms = {path: f"{array.dtype} {array.shape}" for path, array in states.items()}
            return misfit(name, {s: f"float32 {shape}" for s, shape in expected.items()}, forms)
    return None


@torch.no_grad()
def _restore(
    optimizer: Optimizer,
    by_name: Mapping[str, Mapping[str, np.ndarray]],
    counters: Mapping[str, Any],
) -> None:
    _restart(optimizer)
    for name, states in by_name.items():
        weight = optimizer.parameters[name]
        for slot in optimizer.slots:
            state = optimizer.new_state(slot, weight)
            optimizer.state[weight][slot] = state.copy_(torch.from_numpy(np.array(states[slot])))
    optimizer.counts = {name: int(count) for name, count in counters["counts"].items()}
    optimizer.num_update = counters["num_update"]
    optimizer.begin_num_update = counters["begin_num_update"]
    for name, value in counters["running"].items():
        if hasattr(optimizer, name):
            setattr(optimizer, name, value)


def _restart(optimizer: Optimizer) -> None:
    optimizer.state.clear()
    optimizer.counts = {}
    optimizer.num_update = optimizer.begin_num_update = 0
    for name, value in RUNNING.items():
        if hasattr(optimizer, name):
            setattr(optimizer, name, value)
