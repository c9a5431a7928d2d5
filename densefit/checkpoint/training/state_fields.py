"""Fields of a training's state in a checkpoint, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage.content import STATE, check_name
from densefit.errors import CheckpointError

Check = Callable[[Any], bool]
_MOST = 2**53  # larger integers are not exact as JSON numbers


def whole(least: int) -> Check:
    """Check for a whole number of `least` or more."""
    return lambda value: type(value) is int and least <= value <= _MOST


def real(value: Any) -> bool:
    """Return whether a value is a number; nan, too: a refused update has no gradient norm."""
    return type(value) in (int, float)


def seconds(value: Any) -> bool:
    """Return whether a value is a number of 0 or more; false for nan."""
    return real(value) and 0 <= value < _MOST


def or_none(check: Check) -> Check:
    """Check for None, or a value that passes `check`."""
    return lambda value: value is None or check(value)


def mapping(check: Check = lambda value: True) -> Check:
    """Check for a dict whose values pass `check`."""
    return lambda value: isinstance(value, Mapping) and all(map(check, value.values()))


def rows(required: Mapping[str, Check]) -> Check:
    """Check for a list of dicts with at least these keys."""
    return lambda value: isinstance(value, list) and all(_has(row, required) for row in value)


def record(required: Mapping[str, Check]) -> Check:
    """Check for a dict with at least these keys."""
    return lambda value: _has(value, required)


def name(value: Any) -> bool:
    """Return whether a value is a valid checkpoint name, not a path that leads elsewhere."""
    try:
        return isinstance(value, str) and check_name(value) == value
    except CheckpointError:
        return False


def _has(value: Any, required: Mapping[str, Check]) -> bool:
    return isinstance(value, Mapping) and all(
        key in value and check(value[key]) for key, check in required.items()
    )


_EPOCH = {"epoch": whole(0), "update": whole(0)}
_COUNTERS = {
    "num_update": whole(0),
    "begin_num_update": whole(0),
    "counts": mapping(whole(0)),
    "running": mapping(),
}
_SAVE = {"name": name, "update": whole(0), "score": real}

#: Key -> (expected value in words, check).
REQUIRED: Mapping[str, tuple[str, Check]] = {
    "epoch": ("a whole number of 0 or more", whole(0)),
    "batch": ("a whole number of 0 or more", whole(0)),
    "update": ("a whole number of 0 or more", whole(0)),
    "seconds": ("a number of 0 or more", seconds),
    "validation": ("numbers by name", mapping(real)),
    "validated": ("a whole number of -1 or more", whole(-1)),
    "epochs": ("a list of epochs", rows(_EPOCH)),
    "optimizer": ("counts of updates by parameter", record(_COUNTERS)),
    "rng": ("states of random generators", mapping()),
    "callbacks": (
        "states of callbacks",
        rows({"kind": lambda v: isinstance(v, str), "state": mapping()}),
    ),
    "keep": ("a list of saves", record({"records": rows(_SAVE)})),
}

#: The same for keys that older checkpoints lack.
OPTIONAL: Mapping[str, tuple[str, Check]] = {
    "pending": ("'', 'validation' or 'epoch'", lambda v: v in ("", "validation", "epoch")),
    "position": ("a whole number of 0 or more, or none", or_none(whole(0))),
    "batch_size": ("a whole number of 1 or more", whole(1)),
    "accumulate": ("a whole number of 1 or more", whole(1)),
    "samples": ("a whole number of 0 or more", whole(0)),
    "refused": ("a whole number of 0 or more", whole(0)),
    "rollbacks": ("a whole number of 0 or more", whole(0)),
    "epoch_seconds": ("a number of 0 or more", seconds),
    "lr": ("a number", real),
    "gradient_norm": ("a number", real),
    "updates": ("a whole number of 0 or more, or none", or_none(whole(0))),
    "updates_per_epoch": ("a whole number of 1 or more, or none", or_none(whole(1))),
    "labelled": ("counts of samples by head", mapping(whole(0))),
    "loss_weights": ("numbers by head", mapping(real)),
    "affinity": ("numbers by name", mapping(real)),
    "metrics": ("states of metrics by head", mapping(lambda v: isinstance(v, list))),
    "schedule": ("the state of a schedule", mapping()),
    "balance": ("the state of a balancer", mapping()),
    "identity": ("settings by name", mapping()),
}


def check_state(content: Any, path: Path) -> None:
    """Raise CheckpointError unless a training can resume from a checkpoint's state.

    Args:
        content: the state.
        path: path of the checkpoint, named in errors.
    """
    where = path / STATE
    missing = [key for key in REQUIRED if not isinstance(content, Mapping) or key not in content]
    if missing:
        raise CheckpointError(
            "The checkpoint does not hold what a training needs to go on",
            expected=", ".join(missing),
            received="none of it" if len(missing) == len(REQUIRED) else "the rest",
            where=where,
            fix="was it written by a training? Its weights alone: df.load",
        )
    for key, (expected, check) in {**REQUIRED, **OPTIONAL}.items():
        if key in content and not check(content[key]):
            raise CheckpointError(
                f"The checkpoint says of {key!r} what no training writes",
                expected=expected,
                received=f"{content[key]!r:.200}",
                where=where,
                fix="use another checkpoint beside it",
            )
