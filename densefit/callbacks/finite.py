"""Stop as soon as a loss is no longer finite."""

from __future__ import annotations

import fnmatch
import math

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.errors import TrainingDiverged
from densefit.numeric import whole


@callbacks.register("finite")
class StopOnNonFinite(Callback):
    """Raises an error when a training metric is nan or infinite.

    MXNet trains on with nan weights and reports the scores of a constant network. Metrics of the
    epoch so far keep a nan, so that a check every few updates misses none.

    Args:
        every: updates between two checks; the end of an epoch is always checked.
        watch: glob pattern of the metrics to check. Exclude a training metric that may be
            undefined (nan) on good data.

    Raises:
        ConfigError: `every` is less than 1.
        TrainingDiverged: later, naming the heads.
    """

    def __init__(self, every: int = 50, watch: str = "*") -> None:
        self.every = whole(every, "every", 1, where="StopOnNonFinite")
        self.watch = watch

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Check every few updates."""
        if state.update % self.every == 0:
            self._check(state)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Check before validation and saving."""
        self._check(state)

    def _check(self, state: TrainState) -> None:
        metrics = state.train()
        bad = {
            key: value
            for key, value in metrics.items()
            if fnmatch.fnmatchcase(key, self.watch) and not math.isfinite(value)
        }
        if not bad:
            return
        heads = sorted({key.split("/")[0] for key in bad})
        raise TrainingDiverged(
            f"Training has diverged in the head{'s' if len(heads) > 1 else ''} {', '.join(heads)}",
            expected="finite numbers",
            received=", ".join(f"{key}={value}" for key, value in bad.items()),
            where=f"epoch {state.epoch + 1}, update {state.update} or up to {self.every} before, "
            f"lr {state.lr:.6g}",
            fix="lower the learning rate, warm up longer or clip gradients, and continue from "
            "the last checkpoint; if only one head is named, look at its labels and weight first",
        )
