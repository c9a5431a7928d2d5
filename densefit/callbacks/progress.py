"""Progress display: a bar on a terminal, lines in a pipe or a file."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.callbacks.epoch_report import EpochReport, as_text
from densefit.callbacks.main_number import is_main
from densefit.data.loader.object_counts import format_counts
from densefit.numeric import real

_WIDTH = 200  # characters of a line in a pipe or a file


class Progress(Callback):
    """Shows epoch, updates, losses, learning rate, samples per second and the time left.

    On a terminal it is a bar; elsewhere a line every few seconds. Both write a lasting line per
    epoch, with validation scores, or a line per head where the terminal is too narrow. Only main
    metrics are shown (`head/metric`, not `head/metric/class`). Metrics are read, never reset.

    Args:
        every: seconds between lines, without a terminal.
        refresh: seconds between updates of the bar, on a terminal.
        stream: to write to; standard error if not given.
        clock: returns the time in seconds.

    Raises:
        ConfigError: a number of seconds is negative.
    """

    def __init__(
        self,
        every: float = 30.0,
        refresh: float = 1.0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.every = real(every, "every", least=0.0, where="Progress")
        self.refresh = real(refresh, "refresh", least=0.0, where="Progress")
        self._stream = stream
        self._clock = clock
        self._terminal: _Terminal | None = None
        self._speed = Speed()
        self._reported = self._started = 0.0
        self._first_update = 0
        self._epoch: EpochReport | None = None
        self._first = True
        self._frozen = 0

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Open the bar on a terminal; report the checkpoint of a resume."""
        self._reported = self._started = self._clock()
        self._first_update = state.update
        self._epoch, self._first, self._frozen = None, True, len(state.frozen)
        stream = self._output()
        self._terminal = _Terminal(stream, state) if stream.isatty() else None
        if state.resumed:
            self._line(f"goes on from {state.resumed}: {_position(state)}")

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Begin to measure the epoch's speed."""
        self._end_epoch()
        self._speed.start(state.samples, self._clock())

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Report if enough time has passed."""
        if self._first:
            self._first = False
            objects = format_counts(state.objects)
            if objects:
                self._line(f"after {state.samples} samples: {objects}")
        if len(state.frozen) < self._frozen:
            more = self._frozen - len(state.frozen)
            self._line(f"{_position(state)}: {more} more parameters are trained from here on")
        self._frozen = len(state.frozen)
        now = self._clock()
        if now - self._reported < (self.every if self._terminal is None else self.refresh):
            return
        self._reported = now
        parts = [
            main_numbers(state.train(), _heads(state)),
            f"lr {state.lr:.4g}",
            f"{self._speed.read(state.samples, now):.4g} samples/s",
            f"{self._left(state, now)} left",
        ]
        if self._terminal is None:
            self._line(f"{_position(state)}: {', '.join(parts)}")
        else:  # what does not fit is cut off at the right: the longest comes last
            self._terminal.show(state, ", ".join(reversed(parts)))

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Keep the epoch's metrics; the line waits for the validation that may follow."""
        self._epoch = epoch_report(state)

    def validated(self, state: TrainState, control: Control) -> None:
        """Write the scores, on the epoch's line if it has just ended."""
        self._epoch = with_validation(state, self._epoch)
        self._end_epoch()
        self._speed.start(state.samples, self._clock())

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Close the bar."""
        self._end_epoch()
        if self._terminal is not None:
            self._terminal.close(state)
            self._terminal = None

    def _end_epoch(self) -> None:
        """Write the epoch's line, if it is not written yet."""
        if self._epoch is not None:
            self._line(self._epoch.text(self._width()))
            self._epoch = None

    def _left(self, state: TrainState, now: float) -> str:
        """Estimate the remaining time from this run's updates, validations included."""
        done = state.update - self._first_update
        if state.updates is None or done <= 0:
            return "?"
        return duration(max(0, state.updates - state.update) * (now - self._started) / done)

    def _output(self) -> TextIO:
        # Standard error is looked up late: it may have been redirected since.
        return sys.stderr if self._stream is None else self._stream

    def _width(self) -> int:
        """Return the width of the terminal in characters, or COLUMNS."""
        if self._terminal is not None:
            return self._terminal.width
        return shutil.get_terminal_size((_WIDTH, 24)).columns

    def _line(self, text: str) -> None:
        if self._terminal is None:
            print(text, file=self._output(), flush=True)
        else:
            self._terminal.line(text)


class _Terminal:
    """One bar over the whole training."""

    def __init__(self, stream: TextIO, state: TrainState) -> None:
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:>3.0f}%", markup=False),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=Console(file=stream),
            refresh_per_second=4,
        )
        self._task: TaskID = self._bar.add_task(
            _position(state), total=state.updates, completed=state.update, numbers=""
        )
        self._bar.start()

    @property
    def width(self) -> int:
        """Letters of a line."""
        return self._bar.console.width

    def show(self, state: TrainState, numbers: str) -> None:
        position = _position(state)
        # Rich would rather give up the bar than cut a text; 20 is the bar, percent and spaces.
        room = max(1, self._bar.console.width - len(position) - 20)
        if len(numbers) > room:
            numbers = f"{numbers[: room - 1]}…"
        self._bar.update(
            self._task,
            total=state.updates,
            completed=state.update,
            description=position,
            numbers=numbers,
        )

    def line(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self, state: TrainState) -> None:
        self._bar.update(self._task, completed=state.update)
        self._bar.stop()


class Speed:
    """Samples per second since the last reading; validation and saving do not count."""

    def __init__(self) -> None:
        self._samples, self._seconds = 0, 0.0

    def start(self, samples: int, now: float) -> None:
        """Measure from second `now`, when `samples` are done."""
        self._samples, self._seconds = samples, now

    def read(self, samples: int, now: float) -> float:
        """Return the speed since `start` or the last reading; nan if no time has passed."""
        seconds = now - self._seconds
        done = samples - self._samples
        self.start(samples, now)
        return done / seconds if seconds > 0 else math.nan


def main_numbers(numbers: Mapping[str, Any], heads: Collection[str] = ()) -> str:
    """Format the metrics of whole heads, without those of single classes; see `is_main`.

    >>> main_numbers({"seg/mIoU": 0.61234, "seg/IoU/cat": 0.5, "det/loss": 2})
    'seg/mIoU 0.6123, det/loss 2'
    """
    return as_text(_main(numbers, heads))


def duration(seconds: float) -> str:
    """Format seconds as h:mm:ss or m:ss.

    >>> duration(59.6), duration(3661)
    ('1:00', '1:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def epoch_report(state: TrainState) -> EpochReport:
    """Return the report of an epoch that has ended."""
    title = f"{_position(state)} done in {duration(state.seconds)}"
    return EpochReport(title, _main(state.train(), _heads(state)), format_counts(state.objects))


def with_validation(state: TrainState, report: EpochReport | None = None) -> EpochReport:
    """Return the report with the last validation's scores; without a report, the scores alone."""
    # Undefined scores (AP of large objects where there are none) are left out.
    defined = {key: value for key, value in state.validation.items() if value == value}
    scores = _main(defined, _heads(state))
    return replace(report or EpochReport(_position(state)), validation=scores)


def _main(numbers: Mapping[str, Any], heads: Collection[str]) -> dict[str, float]:
    return {key: value for key, value in numbers.items() if is_main(key, heads)}


def _heads(state: TrainState) -> Collection[str]:
    return getattr(state.network, "adapters", ())


def _position(state: TrainState) -> str:
    """Format epoch (from 1) and update."""
    epochs = "" if state.epochs is None else f"/{state.epochs}"
    updates = "" if state.updates is None else f"/{state.updates}"
    return f"epoch {state.epoch + 1}{epochs}, update {state.update}{updates}"
