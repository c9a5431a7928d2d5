"""A training step that now and then measures what the heads do for each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit.callbacks.callback import TrainState
from densefit.data.batch import Batch
from densefit.errors import ConfigError
from densefit.model.heads.network_head import NetworkHead
from densefit.numeric import whole
from densefit.train.affinity.meter import AffinityMeter
from densefit.train.step import Step
from densefit.train.step_result import StepResult

AUTO = "auto"
SPACING = 30  # updates for each head: a pass per head then costs some 3 % of the training


class MeasuredStep:
    """Measure every N updates, into `TrainState.affinity`, and make the update as without it.

    Args:
        step: makes an update.
        meter: measures.
        state: state of the training.
        every: updates from one measurement to the next.
        reseed: see `Step`.
    """

    def __init__(
        self,
        step: Step,
        meter: AffinityMeter,
        state: TrainState,
        every: int,
        reseed: Callable[[], None] | None,
    ) -> None:
        self._step, self._meter, self._state = step, meter, state
        self._every, self._reseed = every, reseed

    def __call__(
        self,
        batches: Sequence[Batch],
        lr: float | None,
        while_computing: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """Make one update; see `Step`."""
        if self._state.update % self._every == 0:
            with self._state.clock("backward"):
                numbers = self._meter.measure(batches, self._reseed)
            self._state.affinity = {**self._state.affinity, **numbers}
        return self._step(batches, lr, while_computing)


def as_task_affinity(value: Any) -> int | str | None:
    """Convert the setting `task_affinity`.

    Raises:
        ConfigError: neither "auto", a whole number of 1 or more, nor None.
    """
    if value is None or value == AUTO:
        return None if value is None else AUTO
    if isinstance(value, str):
        raise ConfigError(
            "The heads' affinity is measured every so many updates",
            expected="a whole number of 1 or more, 'auto', or None",
            received=repr(value),
            where="fit, task_affinity",
        )
    return whole(value, "task_affinity", 1, where="fit")


def affinity_spacing(
    setting: int | str | None, adapters: Mapping[str, Any], ranks: int = 1
) -> int | None:
    """Return the updates from one measurement to the next; None if nothing is measured.

    Args:
        setting: as `as_task_affinity` returns it.
        adapters: heads by name.
        ranks: number of processes that train together.

    Raises:
        ConfigError: heads of a user's Symbol, a single head, or several ranks.
    """
    if setting is None:
        return None
    routes = [name for name, head in adapters.items() if not isinstance(head, NetworkHead)]
    reason, received, fix = "", "", "leave task_affinity out"
    if routes:
        reason = "The heads' affinity is measured between heads of a Network"
        received = f"routes {', '.join(routes)} of a Symbol"
    elif len(adapters) < 2:
        reason = "The affinity of heads is measured between two or more"
        received = f"the head {', '.join(adapters)}"
    elif ranks > 1:
        reason = "The heads' gradients are compared within one process"
        received = f"{ranks} ranks"
        fix = "measure in a training on one rank"
    if reason:
        raise ConfigError(reason, received=received, where=f"task_affinity={setting!r}", fix=fix)
    return SPACING * len(adapters) if isinstance(setting, str) else setting
