"""One line on a terminal that shows how far a training is, below its lasting lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from densefit.callbacks.callback import TrainState

_BAR = 12  # letters of the bar


class LiveLine:
    """Epoch, a bar over the whole training, updates, and as many numbers as fit.

    The line vanishes when it is closed: what is worth keeping was printed as lines above it.

    Args:
        stream: a terminal.
        state: state of the training.
    """

    def __init__(self, stream: TextIO, state: TrainState) -> None:
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=_BAR),
            TextColumn("{task.fields[numbers]}", markup=False),
            console=Console(file=stream),
            refresh_per_second=4,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task(
            _epoch(state), total=state.updates, completed=state.update, numbers="first batch..."
        )
        self._bar.start()

    def show(self, state: TrainState, numbers: Sequence[str]) -> None:
        """Show numbers in order of importance; those that do not fit are left out."""
        epoch = _epoch(state)
        planned = "" if state.updates is None else f"/{state.updates}"
        text = f"update {state.update}{planned}"
        # Rich would rather give up the bar than cut a text; 2 are blanks.
        room = self._bar.console.width - len(epoch) - _BAR - 2
        for number in numbers:
            if len(text) + 2 + len(number) < room:
                text += f", {number}"
        self._bar.update(
            self._task,
            total=state.updates,
            completed=state.update,
            description=epoch,
            numbers=text[: max(1, room)],
        )

    def write(self, line: str | Text) -> None:
        """Print a lasting line above the live one."""
        text = Text(line) if isinstance(line, str) else line
        self._bar.console.print(text, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the line, and show the cursor again."""
        self._bar.stop()


def _epoch(state: TrainState) -> str:
    return f"epoch {state.epoch + 1}" + ("" if state.epochs is None else f"/{state.epochs}")
