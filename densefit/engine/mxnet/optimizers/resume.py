"""Save and restore a Module's optimizer, by parameter name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.engine.mxnet.optimizers.counters import (
    counters_to_dict,
    restart_counters,
    restore_counters,
)
from densefit.engine.mxnet.optimizers.states import (
    optimizer_from_arrays,
    optimizer_to_arrays,
    restore_updater,
)
from densefit.engine.training.optimizer_states import (
    check_states,
    difference_of_engines,
    misfit,
    reason_to_restart,
)
from densefit.errors import CheckpointError

_log = logging.getLogger("densefit")


def restart_store(module: Any) -> None:
    """Initialize a Module's kvstore again after its parameters were replaced.

    On several devices MXNet's kvstore updates its own copy of the parameters, and would overwrite
    the new ones. The optimizer stays; its states are lost.
    """
    if module._kvstore is not None:
        rescale_grad = module._optimizer.rescale_grad
        module._optimizer.rescale_grad = 1.0 / module._exec_group.batch_size  # avoids a warning
        module.init_optimizer(kvstore="local", optimizer=module._optimizer, force_init=True)
        module._optimizer.rescale_grad = rescale_grad


def optimizer_state(module: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, counters) of a Module's optimizer, by parameter name."""
    names = index_to_name(module)
    counters = counters_to_dict(module._optimizer, names)
    counters.update(kind=type(module._optimizer).__name__, engine="mxnet")
    return optimizer_to_arrays(_updater(module).states, names, len(module._context)), counters


def load_optimizer_state(
    module: Any,
    arrays: Mapping[str, np.ndarray],
    counters: Mapping[str, Any],
    is_other: bool = False,
) -> str:
    """Continue from what `optimizer_state` returned.

    An optimizer of another kind starts from zero, and so does one whose settings need other states
    (a momentum that was 0).

    Args:
        module: Module with an optimizer.
        arrays: states of the optimizer.
        counters: update counts of the optimizer.
        is_other: whether the optimizer's settings differ, or may differ.

    Returns:
        The reason for starting from zero, to be logged; "" if the optimizer continues.

    Raises:
        CheckpointError: the state belongs to other parameters, or is damaged.
    """
    kind = type(module._optimizer).__name__
    names = index_to_name(module)
    updater, devices = _updater(module), [device.device_id for device in module._context]
    if counters.get("kind", kind) == kind:
        states = optimizer_from_arrays(arrays, names)
        error = _misfit(module, states, names)
        if error is None or not is_other:
            check_states(arrays, counters["counts"])
            if error is not None:
                raise error
            if kind == "LBSGD":
                _log.warning(
                    "MXNet's LBSGD stores gradients of earlier batches that cannot be read: it "
                    "continues without them, so the resume is not exact"
                )
            difference = difference_of_engines(kind, counters.get("engine", "mxnet"), "mxnet")
            if difference:
                _log.warning("%s", difference)
            restore_updater(updater, states)
            restore_counters(module._optimizer, counters, names, devices)
            return ""
    restore_updater(updater, {})
    restart_counters(module._optimizer, devices)
    scheduler = getattr(module._optimizer, "lr_scheduler", None)
    return reason_to_restart(kind, counters.get("kind", kind), scheduler is not None)


def _misfit(
    module: Any, states: Mapping[Any, Any], names: Mapping[Any, str]
) -> CheckpointError | None:
    """Make the error for a state that the optimizer would not create; None if all fit."""
    optimizer, group, devices = module._optimizer, module._exec_group, len(module._context)
    weights = dict(zip(group.param_names, (arrays[0] for arrays in group.param_arrays)))
    for key, state in states.items():
        name = names[key]
        if isinstance(key, int) and key % devices:
            continue
        fresh = optimizer.create_state_multi_precision(key, weights[name])
        new = optimizer_to_arrays({0: fresh}, {0: name})
        old = optimizer_to_arrays({0: state}, {0: name})
        if {k: (a.shape, a.dtype) for k, a in new.items()} != {
            k: (a.shape, a.dtype) for k, a in old.items()
        }:
            return misfit(name, _forms(new), _forms(old))
    return None


def _forms(arrays: Mapping[str, np.ndarray]) -> str:
    return ", ".join(f"{key} {array.dtype} {array.shape}" for key, array in arrays.items())


def load_optimizer_arrays(module: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Load the states that `optimizer_state` returned, and count from 0.

    Raises:
        CheckpointError: the states belong to other parameters.
    """
    restore_updater(_updater(module), optimizer_from_arrays(arrays, index_to_name(module)))


def index_to_name(module: Any) -> dict[Any, str]:
    """Key of a parameter in the updater -> its name.

    The key is the name if a kvstore updates; otherwise it is the parameter's index times the
    number of devices, plus the device's index.
    """
    names = module._exec_group.param_names
    if getattr(module, "_update_on_kvstore", None):
        return {name: name for name in names}
    devices = len(module._context)
    return {i * devices + k: name for i, name in enumerate(names) for k in range(devices)}


def _updater(module: Any) -> Any:
    return module._updater or module._kvstore._updater
