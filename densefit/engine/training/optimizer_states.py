"""Optimizer states and update counts in a checkpoint, by parameter name: checks of all engines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError

#: Attributes that optimizers change at each update, and what they begin with: Nadam's product of
#: momentum terms, and the last rates by which LARS corrects its momentum.
RUNNING: Mapping[str, float | None] = {"m_schedule": 1.0, "cur_lr": None, "last_lr": None}

#: Kind of optimizer -> what the engines compute differently, which its state does not carry over.
DIFFERENCES: Mapping[str, str] = {
    "LARS": "PyTorch's engine corrects the momentum of all parameters by changes of the rate, "
    "MXNet that of the first four; and MXNet's norms err in the third digit",
    "SGLD": "each engine draws noise of its own",
}


def difference_of_engines(kind: str, before: str, now: str) -> str:
    """Say what is not exact when another engine continues an optimizer; "" if all is.

    Args:
        kind: kind of the optimizer.
        before: engine of the checkpoint.
        now: engine that continues.
    """
    if before == now or kind not in DIFFERENCES:
        return ""
    return (
        f"{kind} was on the engine {before}, and continues on {now}: its state is the same, but "
        f"the next updates are not exactly those of {before}: {DIFFERENCES[kind]} (docs/engines.md)"
    )


def states_by_parameter(
    arrays: Mapping[str, np.ndarray], names: Collection[str]
) -> dict[str, dict[str, np.ndarray]]:
    """Group arrays called `<parameter>/<path>`: parameter -> path -> array.

    Args:
        arrays: states of a checkpoint.
        names: parameters of the network.

    Raises:
        CheckpointError: another name, or states of parameters that the network lacks.
    """
    states: dict[str, dict[str, np.ndarray]] = {}
    for key in sorted(arrays):
        name, slash, path = key.rpartition("/")
        if not slash:
            raise unreadable(key)
        states.setdefault(name, {})[path] = arrays[key]
    unknown = sorted(set(states) - set(names))
    if unknown:
        raise CheckpointError(
            "The checkpoint has optimizer states of parameters that the network lacks",
            expected=f"some of {len(set(names))} parameters",
            received=", ".join(unknown),
            fix="continue with the same network, or load the weights only",
        )
    return states


def check_counts(counts: Mapping[str, int], names: Collection[str]) -> None:
    """Raise CheckpointError for update counts of parameters that the network lacks."""
    unknown = sorted(set(counts) - set(names))
    if unknown:
        raise CheckpointError(
            "The checkpoint counts updates of parameters that the network lacks",
            received=", ".join(unknown),
            fix="continue with the same network, or load the weights only",
        )


def check_states(arrays: Mapping[str, np.ndarray], counts: Mapping[str, int]) -> None:
    """Raise CheckpointError if the state of an updated parameter is missing or nan.

    MXNet silently replaces missing states by zeros.

    Args:
        arrays: states called `<parameter>/<path>`.
        counts: number of updates by parameter.
    """
    having = {key.rpartition("/")[0] for key in arrays}
    missing = [name for name, count in counts.items() if count and name not in having]
    if missing:
        raise CheckpointError(
            "The checkpoint lacks optimizer states of parameters that were updated",
            expected=f"states of {len(counts)} parameters",
            received=f"none of {len(missing)}: {', '.join(missing[:5])}",
            where="part 'optimizer'",
            fix="use another checkpoint; or begin a new training with the weights: df.load(path), "
            "then fit without resume, into another directory",
        )
    for key, array in arrays.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise CheckpointError(
                "An optimizer state of the checkpoint is nan",
                received=f"{int(np.isnan(array).sum())} of {array.size} numbers of {key}",
                where="part 'optimizer'",
                fix="use another checkpoint beside it",
            )


def check_running(running: Mapping[str, Any]) -> None:
    """Raise CheckpointError for numbers that no optimizer changes, or that are not finite."""
    for name, value in running.items():
        if name not in RUNNING or not np.isfinite(np.asarray(value, np.float64)).all():
            raise CheckpointError(
                "The checkpoint sets what no optimizer counts",
                expected=f"finite numbers called {', '.join(RUNNING)}",
                received=f"{name}={value!r}",
            )


def misfit(name: str, expected: object, received: object) -> CheckpointError:
    """Make the error for a state that the optimizer would not have."""
    return CheckpointError(
        f"The optimizer state of the parameter {name!r} does not fit",
        expected=expected,
        received=received,
        fix="continue with the same optimizer and network; or begin a new training with "
        "the weights: df.load(path), then fit",
    )


def unreadable(key: str) -> CheckpointError:
    """Make the error for an array that is no state."""
    return CheckpointError(
        "This is not an optimizer state that densefit wrote",
        expected="<parameter>/<place>, places without gaps",
        received=repr(key),
    )


def reason_to_restart(kind: str, before: str, has_scheduler: bool) -> str:
    """Say why an optimizer begins at zero.

    Args:
        kind: kind of the optimizer.
        before: kind of the one in the checkpoint.
        has_scheduler: whether an lr_scheduler of its own counts its updates.
    """
    return (
        f"the moments of {kind} begin at zero, and its updates are counted"
        f"{', by its lr_scheduler too,' if has_scheduler else ''} from 0: those in the "
        f"checkpoint are of {before}{' with other settings' if before == kind else ''}"
    )
