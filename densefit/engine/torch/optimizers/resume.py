"""States and update counts of an optimizer, in the form that every engine reads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from densefit.engine.torch.optimizers.layerwise import LBSGD
from densefit.engine.torch.optimizers.optimizer import Optimizer
from densefit.errors import CheckpointError

_log = logging.getLogger("densefit")

_RUNNING = ("m_schedule", "cur_lr", "last_lr")  # numbers that some optimizers change


def optimizer_state(optimizer: Optimizer) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, counters) of an optimizer, by parameter name.

    Arrays are called `<parameter>/<path>`: "array"; "0", "1" of several; "none" without a state.
    """
    arrays: dict[str, np.ndarray] = {}
    for name in optimizer.counts:
        state = optimizer.state.get(optimizer.parameters[name], {})
        for slot in optimizer.slots:
            if slot in state:
                arrays[f"{name}/{slot}"] = np.array(state[slot].detach().cpu())
        if not optimizer.slots:
            arrays[f"{name}/none"] = np.zeros(0, np.float32)
    running = {name: getattr(optimizer, name, None) for name in _RUNNING}
    return arrays, {
        "num_update": int(optimizer.num_update),
        "begin_num_update": int(optimizer.begin_num_update),
        "counts": dict(optimizer.counts),
        "running": {name: value for name, value in running.items() if value is not None},
        "kind": optimizer.kind,
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
        by_name = _by_name(optimizer, arrays)
        misfit = _misfit(optimizer, by_name)
        if misfit is None or not is_other:
            _check(optimizer, by_name, counters)
            if misfit is not None:
                raise misfit
            if isinstance(optimizer, LBSGD) and optimizer.batch_scale > 1:
                _log.warning(
                    "LBSGD's sums of earlier batches are in no checkpoint: it continues without "
                    "them, so the resume is not exact"
                )
            _restore(optimizer, by_name, counters)
            return ""
    _restart(optimizer)
    scheduler = optimizer.lr_scheduler
    return (
        f"the moments of {optimizer.kind} begin at zero, and its updates are counted"
        f"{'' if scheduler is None else ', by its lr_scheduler too,'} from 0: those in the "
        f"checkpoint are of {kind}{' with other settings' if kind == optimizer.kind else ''}"
    )


def _by_name(
    optimizer: Optimizer, arrays: Mapping[str, np.ndarray]
) -> dict[str, dict[str, np.ndarray]]:
    """Parameter -> path -> state."""
    by_name: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        name, slash, path = key.rpartition("/")
        if not slash:
            raise CheckpointError(
                "This is not an optimizer state that densefit wrote",
                expected="<parameter>/<place>, places without gaps",
                received=repr(key),
            )
        by_name.setdefault(name, {})[path] = array
    unknown = sorted(set(by_name) - set(optimizer.parameters))
    if unknown:
        raise CheckpointError(
            "The checkpoint has optimizer states of parameters that the network lacks",
            expected=f"some of {len(optimizer.parameters)} parameters",
            received=", ".join(unknown),
            fix="continue with the same network, or load the weights only",
        )
    return by_name


def _misfit(
    optimizer: Optimizer, by_name: Mapping[str, Mapping[str, np.ndarray]]
) -> CheckpointError | None:
    """Make the error for a state that the optimizer would not have; None if all fit."""
    for name, states in by_name.items():
        weight = optimizer.parameters[name]
        expected = {s: tuple(optimizer.new_state(s, weight).shape) for s in optimizer.slots}
        expected = expected or {"none": (0,)}
        received = {path: array.shape for path, array in states.items()}
        if expected != received:
            return CheckpointError(
                f"The optimizer state of the parameter {name!r} does not fit",
                expected=expected,
                received=received,
                fix="continue with the same optimizer and network; or begin a new training with "
                "the weights: df.load(path), then fit",
            )
    return None


def _check(
    optimizer: Optimizer,
    by_name: Mapping[str, Mapping[str, np.ndarray]],
    counters: Mapping[str, Any],
) -> None:
    counts = counters["counts"]
    unknown = sorted(set(counts) - set(optimizer.parameters))
    if unknown:
        raise CheckpointError(
            "The checkpoint counts updates of parameters that the network lacks",
            received=", ".join(unknown),
            fix="continue with the same network, or load the weights only",
        )
    missing = [name for name, count in counts.items() if count and name not in by_name]
    if missing:
        raise CheckpointError(
            "The checkpoint lacks optimizer states of parameters that were updated",
            expected=f"states of {len(counts)} parameters",
            received=f"none of {len(missing)}: {', '.join(missing[:5])}",
            where="part 'optimizer'",
            fix="use another checkpoint; or begin a new training with the weights: df.load(path), "
            "then fit without resume, into another directory",
        )
    for name, states in by_name.items():
        for path, array in states.items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                raise CheckpointError(
                    "An optimizer state of the checkpoint is nan",
                    received=f"{int(np.isnan(array).sum())} of {array.size} numbers of "
                    f"{name}/{path}",
                    where="part 'optimizer'",
                    fix="use another checkpoint beside it",
                )
    for name, value in counters["running"].items():
        if name not in _RUNNING or not np.isfinite(np.asarray(value, np.float64)).all():
            raise CheckpointError(
                "The checkpoint sets what no optimizer counts",
                expected=f"finite numbers called {', '.join(_RUNNING)}",
                received=f"{name}={value!r}",
            )


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
    for name, value in zip(_RUNNING, (1.0, None, None)):
        if hasattr(optimizer, name):
            setattr(optimizer, name, value)
