"""Optimizer states of a checkpoint, by parameter name.

MXNet keys optimizer states by a parameter's position times the number of devices, and its `.states`
files omit the update counts (so Adam's bias correction and the schedule restart). Here both are
keyed by parameter name: a training can continue on another number of devices, and no state is
assigned to another parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from densefit.backend import mx
from densefit.errors import CheckpointError

Key: TypeAlias = int | str

_TOKEN = re.compile(r"(\d+)|\[(\d+)\]")


def optimizer_to_arrays(
    updater_states: Mapping[Key, Any], index_to_name: Mapping[Key, str], devices: int = 1
) -> dict[str, np.ndarray]:
    """Flatten the states of an `mx.optimizer.Updater` to arrays named `<parameter>/<path>`.

    A state is None, an array, or a tuple or list of states. The path is "array"; "0", "1" in a
    tuple; "[0]", "[1]" in a list; "0.1" in a tuple in a tuple; or "none", a placeholder of shape
    (0,).

    Args:
        updater_states: `updater.states`.
        index_to_name: `optimizer.idx2name`; the identity for states that are keyed by name.
        devices: replicas of each parameter, numbered i * devices + k for parameter i; they are
            equal, and the first is used.

    Raises:
        CheckpointError: a number has no name, or a state cannot be stored.
    """
    arrays: dict[str, np.ndarray] = {}
    for key, state in updater_states.items():
        if key not in index_to_name:
            raise CheckpointError(
                "The optimizer has a state for a parameter without a name",
                expected=f"one of {sorted(index_to_name, key=str)}",
                received=repr(key),
                where="updater.states",
            )
        if isinstance(key, str) or key % devices == 0:
            _flatten(state, index_to_name[key], (), arrays)
    return arrays


def optimizer_from_arrays(
    arrays: Mapping[str, np.ndarray], index_to_name: Mapping[Key, str]
) -> dict[Key, Any]:
    """Rebuild `updater.states` from what `optimizer_to_arrays` returned.

    Every key of a name gets a separate state, so that replicas on any number of devices are
    filled. Parameters without states in `arrays` are left out: MXNet creates them when needed.

    Raises:
        CheckpointError: states of parameters that this network lacks, or unreadable states.
    """
    trees: dict[str, Any] = {}
    for key in sorted(arrays):
        name, slash, path = key.rpartition("/")
        if not slash:
            raise _unreadable(key)
        trees.setdefault(name, {})[path] = arrays[key]
    unknown = sorted(set(trees) - set(index_to_name.values()))
    if unknown:
        raise CheckpointError(
            "The checkpoint has optimizer states of parameters that the network lacks",
            expected=f"some of {len(set(index_to_name.values()))} parameters",
            received=", ".join(unknown),
            fix="continue with the same network, or load the weights only",
        )
    return {
        key: _unflatten(trees[name], name) for key, name in index_to_name.items() if name in trees
    }


def check_states(arrays: Mapping[str, np.ndarray], counts: Mapping[str, int]) -> None:
    """Raise CheckpointError if the state of an updated parameter is missing or nan.

    MXNet silently replaces missing states by zeros.

    Args:
        arrays: result of `optimizer_to_arrays`.
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


def restore_updater(updater: Any, states: Mapping[Key, Any]) -> None:
    """Set the states of an `mx.optimizer.Updater`, as `optimizer_from_arrays` returns them.

    The updater moves them to the devices at first use, and creates missing ones.
    """
    updater.states = dict(states)
    updater.states_synced = dict.fromkeys(updater.states, False)


def _flatten(state: Any, name: str, path: tuple[str, ...], into: dict[str, np.ndarray]) -> None:
    if isinstance(state, tuple):
        for index, part in enumerate(state):
            _flatten(part, name, (*path, str(index)), into)
    elif isinstance(state, list):
        for index, part in enumerate(state):
            _flatten(part, name, (*path, f"[{index}]"), into)
    elif state is None:
        into[f"{name}/{'.'.join((*path, 'none'))}"] = np.zeros(0, np.float32)
    elif isinstance(state, mx.nd.NDArray) and state.stype == "default":
        into[f"{name}/{'.'.join(path or ('array',))}"] = state.asnumpy()
    else:
        raise CheckpointError(
            "An optimizer state cannot be stored",
            expected="None, dense NDArrays, or tuples and lists of these",
            received=f"{getattr(state, 'stype', '')} {type(state).__name__}".strip(),
            where=f"parameter {name!r}",
        )


def _unflatten(leaves: Mapping[str, np.ndarray], name: str) -> Any:
    """Rebuild a state from its arrays by path."""
    if "none" in leaves:
        return None
    if "array" in leaves:
        return _ndarray(leaves["array"])
    branches: dict[str, dict[str, np.ndarray]] = {}
    for path, array in leaves.items():
        token, _, rest = path.partition(".")
        branches.setdefault(token, {})[rest or "array"] = array
    matches = {token: _TOKEN.fullmatch(token) for token in branches}
    parts: dict[int, Any] = {}
    for token, match in matches.items():
        if match is None:
            raise _unreadable(f"{name}/{token}")
        parts[int(match.group(1) or match.group(2))] = _unflatten(branches[token], name)
    if sorted(parts) != list(range(len(parts))):
        raise _unreadable(f"{name}/{', '.join(sorted(leaves))}")
    values = [parts[index] for index in range(len(parts))]
    return values if next(iter(branches)).startswith("[") else tuple(values)


def _ndarray(array: np.ndarray) -> Any:
    return mx.nd.array(array, dtype=array.dtype)


def _unreadable(key: str) -> CheckpointError:
    return CheckpointError(
        "This is not an optimizer state that densefit wrote",
        expected="<parameter>/<place>, places without gaps",
        received=repr(key),
    )
