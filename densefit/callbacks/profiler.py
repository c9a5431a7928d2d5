"""Profile of a training: wall seconds by phase, as a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.table import Table

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.clock import PHASES

_ABOUT = {
    "data": "waiting for batches",
    "copy": "the next batch, while the device computes",
    "forward": "forward pass, and losses to the host",
    "metric": "losses into metrics; the backward pass runs on",
    "backward": "waiting for the backward pass, a balancer's further passes, the gradient norm",
    "update": "optimizer, averages",
    "callback": "logs, progress and other callbacks",
    "validation": "scoring the validation data",
    "checkpoint": "copying and waiting for checkpoints; the rest is written beside the training",
}


@callbacks.register("profiler")
class Profiler(Callback):
    """Prints the wall seconds of each phase when training ends.

    `densefit.callbacks.clock.Clock` documents what is charged to which phase.

    Args:
        exact: let each update wait for the device, so that each phase is charged with its own
            time. Training is slower meanwhile.
        stream: to write to; standard error if not given.

    Attributes:
        seconds: by phase, once training has ended.
        updates: made in this process.
    """

    def __init__(self, exact: bool = False, stream: TextIO | None = None) -> None:
        self.exact = exact
        self.seconds: Mapping[str, float] = {}
        self.updates = 0
        self._stream = stream

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Request exact times, if wanted."""
        if self.exact:
            control.time_exactly()

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Print the profile."""
        self.seconds, self.updates = dict(state.clock.seconds), state.clock.updates
        if error is not None and not self.updates:
            return
        # Standard error is looked up late: it may have been redirected since.
        self._print(sys.stderr if self._stream is None else self._stream)

    def _print(self, stream: TextIO) -> None:
        Console(file=stream, soft_wrap=True).print(table(self.seconds, self.updates))


class ProfileLine(Profiler):
    """Prints the profile in one line, see `line`."""

    def _print(self, stream: TextIO) -> None:
        print(line(self.seconds, self.updates), file=stream, flush=True)


def shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return phase -> percentage of the whole time.

    >>> shares({"data": 1.0, "forward": 3.0})
    {'data': 25.0, 'forward': 75.0}
    """
    total = sum(seconds.values()) or 1.0
    return {phase: 100.0 * spent / total for phase, spent in seconds.items()}


def line(seconds: Mapping[str, float], updates: int) -> str:
    """Format the profile in one line.

    >>> line({"data": 0.2, "forward": 0.6, "validation": 0.2}, 10)
    'time: 10 updates of 80 ms; data 20.0 %, forward 60.0 %, validation 20.0 %'
    """
    parts = ", ".join(f"{phase} {share:.1f} %" for phase, share in shares(seconds).items())
    return f"time: {updates} updates of {_ms_text(seconds, updates)} ms; {parts}"


def table(seconds: Mapping[str, float], updates: int) -> Table:
    """Make a table of the profile: seconds, share, and milliseconds per update of each phase."""
    result = Table(
        title=f"Time of {updates} updates ({_ms_text(seconds, updates)} ms each)",
        title_justify="left",
    )
    for column in ("phase", "seconds", "share", "ms an update"):
        result.add_column(column, justify="left" if column == "phase" else "right")
    result.add_column("what")
    share = shares(seconds)
    for phase in (phase for phase in PHASES if phase in seconds):
        spent = seconds[phase]
        each = f"{1000 * spent / updates:.2f}" if updates else ""
        result.add_row(phase, f"{spent:.2f}", f"{share[phase]:.1f} %", each, _ABOUT[phase])
    result.add_row("all", f"{sum(seconds.values()):.2f}", "", "", "")
    return result


def _ms_text(seconds: Mapping[str, float], updates: int) -> str:
    """Format milliseconds per update to three digits, without an exponent.

    >>> _ms_text({"forward": 32.04}, 10), _ms_text({"forward": 0.1234}, 10)
    ('3,204', '12.3')
    """
    value = _ms_per_update(seconds, updates)
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ms_per_update(seconds: Mapping[str, float], updates: int) -> float:
    """Milliseconds per update, without validation and checkpoints."""
    spent = sum(seconds.get(phase, 0.0) for phase in PHASES[: PHASES.index("validation")])
    return 1000.0 * spent / updates if updates else 0.0
