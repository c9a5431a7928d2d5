"""Memory in use, epoch by epoch, and a warning if it grows until it is used up."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.jsonl import JSONLines
from densefit.callbacks.memory_use import memory_in_use

_SETTLING = 2  # epochs in which caches fill
_STEADY = 5  # epochs in a row that must grow alike to be called a leak
_log = logging.getLogger("densefit")


@callbacks.register("memory")
class Memory(Callback):
    """Measures the memory in use at each epoch's end, in MiB.

    - `memory/host`: of this process (where the system reports it),
    - `memory/host_peak`: its maximum so far,
    - `memory/host_free`: left by the machine and its cgroups (where they report it),
    - `memory/gpu<i>`, `memory/gpu<i>_free`: of each GPU that MXNet sees, by all processes.

    They are logged at level INFO of the logger "densefit". A warning comes once if the process has
    grown steadily for five epochs and at that rate will run out of memory before training ends.

    Args:
        path: path of a log in the format of `JSONLines`, with lines of kind "epoch"; None for none.
        measure: returns the memory in use.

    Attributes:
        numbers: the last measurement.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        measure: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.numbers: dict[str, float] = {}
        self._measure = measure
        self._lines = None if path is None else JSONLines(path)
        self._seen: list[tuple[int, float]] = []  # (update, host) at the end of each epoch
        self._warned = False

    def reset(self) -> None:
        """Forget the measurements."""
        self.numbers = {}
        if self._lines is not None:
            self._lines.reset()

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Begin to watch this process."""
        self._seen, self._warned = [], False
        if self._lines is not None:
            self._lines.fit_started(state, control)

    def rolled_back(self, state: TrainState, control: Control) -> None:
        """Forget the epochs that are trained again."""
        self._seen = [(update, host) for update, host in self._seen if update <= state.update]
        if self._lines is not None:
            self._lines.rolled_back(state, control)

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Remember the epoch's number."""
        if self._lines is not None:
            self._lines.epoch_started(state, control)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Measure, log, and warn of steady growth."""
        measure = self._measure or partial(memory_in_use, state.device_memory())
        self.numbers = measure()
        text = ", ".join(f"{key.split('/')[1]} {mib:,.0f}" for key, mib in self.numbers.items())
        _log.info("Memory in MiB at the end of epoch %d: %s", state.epoch + 1, text)
        if self._lines is not None:
            numbers = self.numbers
            measured = dataclasses.replace(state, train=lambda: numbers)
            self._lines.epoch_ended(measured, control)
        if "memory/host" in self.numbers:
            self._seen.append((state.update, self.numbers["memory/host"]))
            self._warn_of_growth(state)

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Close the log."""
        if self._lines is not None:
            self._lines.fit_ended(state, error)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the log."""
        return {} if self._lines is None else self._lines.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of the log."""
        if self._lines is not None and state:
            self._lines.load_state_dict(state)

    def _warn_of_growth(self, state: TrainState) -> None:
        growth = steady_growth(self._seen)
        free = self.numbers.get("memory/host_free")
        if self._warned or growth is None or free is None or state.updates is None:
            return
        missing = growth * (state.updates - state.update) - free
        if missing > 0:
            self._warned = True
            _log.warning(
                "The memory of this process grows steadily, by %.1f MiB each 1,000 updates, and "
                "will be short by %.0f MiB before training ends\n"
                "  where:    update %d\n"
                "  fix:      look for what is kept from batch to batch: in transforms, datasets, "
                "metrics or callbacks; images of ever new sizes make MXNet keep memory too",
                1000 * growth,
                missing,
                state.update,
            )


def steady_growth(seen: Sequence[tuple[int, float]]) -> float | None:
    """Return the growth per update, if it was steady over the last epochs; else None.

    Steady: each epoch grew, and none by less than half of another.

    >>> steady_growth([(10 * epoch, 100 + 5.0 * epoch) for epoch in range(8)])
    0.5
    >>> steady_growth([(10 * epoch, 100 + 50.0 / (epoch + 1)) for epoch in range(8)]) is None
    True

    Args:
        seen: (update, memory) at the end of each epoch.
    """
    last = seen[_SETTLING:][-_STEADY - 1 :]
    if len(last) <= _STEADY:
        return None
    rates = [(b[1] - a[1]) / max(1, b[0] - a[0]) for a, b in zip(last, last[1:])]
    if min(rates) <= 0 or min(rates) < max(rates) / 2:
        return None
    return (last[-1][1] - last[0][1]) / (last[-1][0] - last[0][0])
