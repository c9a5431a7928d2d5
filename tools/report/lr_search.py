"""Progress and summary of a search for a learning rate."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from densefit.callbacks import Callback, Control, TrainState
from densefit.train.lr_search_result import RateSearch


def summary(result: RateSearch, end: float) -> str:
    """Describe the result in a few lines."""
    if not result.rates:
        return "the loss was not finite at the first update: look at the data and the labels"
    lines = [
        f"{len(result.rates)} updates at rates of {result.rates[0]:.2g} to {result.rates[-1]:.2g}"
    ]
    lines.append(
        "the loss diverged at the last of them"
        if result.diverged
        else f"the loss did not diverge: a higher --end than {end:g} would show more"
    )
    if result.steepest is None or result.tenth is None:
        lines.append(
            "no rate can be suggested: the loss did not fall by more than its noise; try more "
            "--updates, or a larger --training.batch_size"
        )
    else:
        lines += [
            f"  steepest descent          {result.steepest:.2g}",
            f"  a tenth of the minimum's  {result.tenth:.2g}",
            f"to begin with: --training.schedule.lr {min(result.steepest, result.tenth):.2g}",
        ]
    return "\n".join(lines)


class SearchProgress(Callback):
    """Print the progress of the search on standard error.

    Args:
        updates: number of updates of the search.
        every: seconds between two lines.
        clock: function that returns the time in seconds.
    """

    def __init__(
        self, updates: int, every: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._updates, self._every, self._clock = updates, every, clock
        self._printed_at = clock()

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Print a line if the interval has passed."""
        if self._clock() - self._printed_at >= self._every:
            self._printed_at = self._clock()
            print(
                f"searching: update {state.update}/{self._updates}, rate {state.lr:.2g}",
                file=sys.stderr,
                flush=True,
            )
