"""Update counts of an optimizer, by parameter name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.engine.mxnet.optimizers.states import Key
from densefit.engine.training.optimizer_states import RUNNING, check_counts, check_running


def counters_to_dict(optimizer: Any, index_to_name: Mapping[Key, str]) -> dict[str, Any]:
    """Update counts of an `mx.optimizer.Optimizer`, by parameter name."""
    counts: dict[str, int] = {}
    for of_device in optimizer._all_index_update_counts.values():
        for key, count in of_device.items():
            name = index_to_name[key]
            counts[name] = max(count, counts.get(name, 0))
    return {
        "num_update": int(optimizer.num_update),
        "begin_num_update": int(optimizer.begin_num_update),
        "counts": counts,
        "running": {
            name: getattr(optimizer, name)
            for name in RUNNING
            if getattr(optimizer, name, None) is not None
        },
    }


def restore_counters(
    optimizer: Any,
    counters: Mapping[str, Any],
    index_to_name: Mapping[Key, str],
    device_ids: Sequence[int] = (0,),
) -> None:
    """Continue the counts that `counters_to_dict` returned.

    Args:
        optimizer: a new optimizer of the same kind and settings.
        counters: result of `counters_to_dict`.
        index_to_name: `idx2name` of the new optimizer, see `optimizer_to_arrays`.
        device_ids: `context.device_id` of the devices in use.

    Raises:
        CheckpointError: counts of parameters that this network lacks.
    """
    counts = counters["counts"]
    check_counts(counts, set(index_to_name.values()))
    check_running(counters["running"])
    by_key = {key: counts[name] for key, name in index_to_name.items() if name in counts}
    # MXNet looks up a key in the dict of its device; keys of other devices are harmless.
    optimizer._all_index_update_counts = {device: dict(by_key) for device in {0, *device_ids}}
    optimizer._index_update_count = optimizer._all_index_update_counts[0]
    optimizer.num_update = counters["num_update"]
    optimizer.begin_num_update = counters["begin_num_update"]
    for name, value in counters["running"].items():
        setattr(optimizer, name, value)


def restart_counters(optimizer: Any, device_ids: Sequence[int] = (0,)) -> None:
    """Reset the counts of an optimizer.

    Args:
        optimizer: optimizer whose counts are reset.
        device_ids: see `restore_counters`.
    """
    counters = {"num_update": 0, "begin_num_update": 0, "counts": {}, "running": {}}
    restore_counters(optimizer, counters, {}, device_ids)
    for name, value in RUNNING.items():
        if hasattr(optimizer, name):
            setattr(optimizer, name, value)
