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
from densefit.engine.training.optimizer_states import states_by_parameter, unreadable
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
    trees = states_by_parameter(arrays, set(index_to_name.values()))
    return {
        key: _unflatten(trees[name], name) for key, name in index_to_name.items() if name in trees
    }


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
            raise unreadable(f"{name}/{token}")
        parts[int(match.group(1) or match.group(2))] = _unflatten(branches[token], name)
    if sorted(parts) != list(range(len(parts))):
        raise unreadable(f"{name}/{', '.join(sorted(leaves))}")
    values = [parts[index] for index in range(len(parts))]
    return values if next(iter(branches)).startswith("[") else tuple(values)


def _ndarray(array: np.ndarray) -> Any:
    return mx.nd.array(array, dtype=array.dtype)
