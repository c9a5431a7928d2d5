"""Stop when validation no longer improves."""

from __future__ import annotations

import math
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.errors import ConfigError
from densefit.metrics.direction import direction_of, stated_direction, tell_undefined

STOP, WHERE = "to stop by", "EarlyStopping"


@callbacks.register("early_stopping")
class EarlyStopping(Callback):
    """Ends training after `patience` validations in a row without a better score.

    Args:
        metric: key of the score, e.g. "segmentation/mIoU".
        patience: validations without improvement after which training ends.
        min_delta: what a score must be better by to count as improvement.
        higher_is_better: False for losses and errors; None takes what the metric declares.

    Raises:
        ConfigError: a setting is out of range; when training begins, if validation will have no
            such score.
    """

    def __init__(
        self,
        metric: str,
        patience: int = 3,
        min_delta: float = 0.0,
        higher_is_better: bool | None = None,
    ) -> None:
        if patience < 1 or not min_delta >= 0:
            raise ConfigError(
                "Early stopping is set out of range",
                expected="patience of at least 1, min_delta of at least 0",
                received=f"patience={patience!r}, min_delta={min_delta!r}",
                where="EarlyStopping",
            )
        self.metric = metric
        self.patience = patience
        self.min_delta = min_delta
        self.higher_is_better = self._stated = higher_is_better
        self.best: float | None = None
        self.waited = 0
        self._scores: list[float] = []  # of this process's validations

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Look the score up among those that validation will give."""
        declared = direction_of(self.metric, state.directions, STOP, WHERE)
        self.higher_is_better = stated_direction(self._stated, declared, self.metric, WHERE)
        self._scores = []
        self._look(control)

    def validated(self, state: TrainState, control: Control) -> None:
        """Compare the new score with the best so far; nan is never an improvement."""
        score = float(state.validation[self.metric])
        self._scores.append(score)
        tell_undefined(self.metric, self._scores, "it counts as not improved", WHERE)
        if self._improves(score):
            self.best, self.waited = score, 0
            return
        self.waited += 1
        self._look(control)

    def _look(self, control: Control) -> None:
        """Stop if it has been waited long enough, by a training that is resumed too."""
        if self.waited >= self.patience:
            best = "none" if self.best is None else f"{self.best:.6g}"
            control.stop(
                f"{self.metric} has not improved in {self.waited} validations (best: {best})"
            )

    def state_dict(self) -> dict[str, Any]:
        """The best score and how long ago it was."""
        return {"metric": self.metric, "best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave; of another score, from the beginning."""
        if state.get("metric", self.metric) == self.metric:
            self.best, self.waited = state["best"], state["waited"]

    def _improves(self, score: float) -> bool:
        if math.isnan(score):
            return False
        if self.best is None:
            return True
        gain = score - self.best if self.higher_is_better else self.best - score
        return gain > self.min_delta
