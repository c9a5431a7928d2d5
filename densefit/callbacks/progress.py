"""Progress display: a live line on a terminal, lines in a pipe or a file."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import TextIO

from rich.text import Text

from densefit.callbacks.callback import Control, TrainState
from densefit.callbacks.epoch_report import (
    epoch_line,
    heads_of,
    of_updates,
    position,
    validation_lines,
)
from densefit.callbacks.live_line import LiveLine
from densefit.callbacks.loss_text import loss_text
from densefit.callbacks.pace import Speed, Waiting, duration
from densefit.callbacks.scored_callback import ScoredCallback
from densefit.data.loader.object_counts import format_counts
from densefit.numeric import real

__all__ = ["Progress", "Speed", "duration"]
_MUCH = 0.1  # share of time waiting for data that is worth being shown early


class Progress(ScoredCallback):
    """Shows epoch, updates, losses by head, learning rate, samples per second and the time left.

    On a terminal it is a line that is replaced; elsewhere a plain line every few seconds. Both
    write a lasting line per epoch and a table per validation: the main score first, its change
    against the last validation and the best one, and the worst classes. A resume, an early stop
    and its reason are a line each. Metrics are read, never reset.

    Args:
        every: seconds between lines, without a terminal.
        refresh: seconds between updates of the line, on a terminal.
        stream: to write to; standard error if not given.
        clock: returns the time in seconds.
        unit: what a sample is called, in the plural: images, for instance.

    Raises:
        ConfigError: a number of seconds is negative.
    """

    def __init__(
        self,
        every: float = 30.0,
        refresh: float = 1.0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        unit: str = "samples",
    ) -> None:
        super().__init__()
        self.every = real(every, "every", least=0.0, where="Progress")
        self.refresh = real(refresh, "refresh", least=0.0, where="Progress")
        self._stream, self._clock, self._unit = stream, clock, unit
        self._live: LiveLine | None = None
        self._control = Control()
        self._speed, self._waiting = Speed(), Waiting()
        self._reported = self._started = 0.0
        self._first_update, self._frozen = 0, 0
        self._is_first = True
        self._epoch_ended = -1  # update of the last epoch's line
        self._objects = ""

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Open the line on a terminal; report the checkpoint of a resume."""
        self._control = control
        self._reported = self._started = self._clock()
        self._first_update, self._frozen = state.update, len(state.frozen)
        self._is_first, self._epoch_ended = True, -1
        stream = self._output()
        if state.resumed:
            self._write(_resumed(state))
        self._live = LiveLine(stream, state) if stream.isatty() and not state.is_done else None

    def epoch_started(self, state: TrainState, control: Control) -> None:
        """Begin to measure the epoch's speed."""
        self._begin_to_measure(state)

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Report if enough time has passed."""
        is_first, self._is_first = self._is_first, False
        if is_first:
            objects = format_counts(state.objects)
            if objects:
                self._write(f"after {state.samples} {self._unit}: {objects}")
        if len(state.frozen) < self._frozen:
            more = self._frozen - len(state.frozen)
            self._write(f"{position(state)}: {more} more parameters are trained from here on")
        self._frozen = len(state.frozen)
        now, wait = self._clock(), self.every if self._live is None else self.refresh
        if now - self._reported >= wait or (is_first and self._live is not None):
            self._reported = now
            self._report(state, now)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Write the epoch's line, and its objects where they differ from the last epoch's."""
        line, _, objects = epoch_line(state).partition("\n")
        self._write(line if objects in ("", self._objects) else f"{line}\n{objects}")
        self._objects = objects
        self._epoch_ended = state.update

    def validated(self, state: TrainState, control: Control) -> None:
        """Write the table of the scores."""
        if self._epoch_ended != state.update:
            self._write(f"validation after {of_updates(state)}:")
        for line in validation_lines(state, self._board):
            self._write(line)
        self._begin_to_measure(state)

    def rolled_back(self, state: TrainState, control: Control) -> None:
        """Report the update that training continues from."""
        self._write(f"back to {position(state)}, as a loss or gradient was not finite")

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Close the line; report an early stop and its reason."""
        if self._live is not None:
            self._live.close()
            self._live = None
        if error is None and self._control.stop_reason is not None and not state.is_done:
            self._write(f"stopped early, after {of_updates(state)}: {self._control.stop_reason}")

    def _report(self, state: TrainState, now: float) -> None:
        """Show the present numbers, the most important first."""
        losses = loss_text(state.train(), heads_of(state))
        speed = f"{self._speed.read(state.samples, now):.4g} {self._unit}/s"
        left, rate = f"{self._left(state, now)} left", f"rate {state.lr:.4g}"
        share = self._waiting.read(state.clock)
        parts = [losses, f"{left}", speed, rate]
        if not math.isnan(share):
            waits = f"waiting for data {share:.0%}".replace("%", " %")
            parts.insert(2 if share >= _MUCH else 4, waits)
        texts = [part for part in parts if part]
        if self._live is not None:
            self._live.show(state, texts)
        else:
            self._write(f"{position(state)}: {', '.join(texts)}")

    def _begin_to_measure(self, state: TrainState) -> None:
        self._speed.start(state.samples, self._clock())
        self._waiting.start(state.clock)

    def _left(self, state: TrainState, now: float) -> str:
        """Estimate the remaining time from this run's updates, validations included."""
        done = state.update - self._first_update
        if state.updates is None or done <= 0:
            return "?"
        return duration(max(0, state.updates - state.update) * (now - self._started) / done)

    def _output(self) -> TextIO:
        # Standard error is looked up late: it may have been redirected since.
        return sys.stderr if self._stream is None else self._stream

    def _write(self, line: str | Text) -> None:
        if self._live is not None:
            self._live.write(line)
        else:
            text = line.plain if isinstance(line, Text) else line
            print(text, file=self._output(), flush=True)


def _resumed(state: TrainState) -> str:
    """Format where a resumed training stands."""
    if state.is_done and not state.pending:
        return f"already done: {of_updates(state)}, {state.resumed}"
    epoch = position(state).partition(",")[0]
    return f"continuing at {of_updates(state)} ({epoch}), from {state.resumed}"
