"""Stop when validation no longer improves."""

from __future__ import annotations

import math
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.metrics.core.direction import direction_of, stated_direction, warn_undefined
from densefit.metrics.core.unreadable import ComparableScores
from densefit.numeric import real, whole

STOP, WHERE = "to stop by", "EarlyStopping"


@callbacks.register("early_stopping")
class EarlyStopping(Callback):
    """Ends training after `patience` validations in a row without a better score.

    Args:
        metric: key of the score, e.g. "segmentation/mIoU".
        patience: validations without improvement after which training ends.
        min_delta: least difference that counts as an improvement.
        higher_is_better: False for losses and errors; None: as the metric declares.

    Raises:
        ConfigError: a setting is out of range; or, when training begins, validation has no such
            score.
    """

    def __init__(
        self,
        metric: str,
        patience: int = 3,
        min_delta: float = 0.0,
        higher_is_better: bool | None = None,
    ) -> None:
        self.metric = metric
        self.patience = whole(patience, "patience", 1, where=WHERE)
        self.min_delta = real(min_delta, "min_delta", least=0.0, where=WHERE)
        self.higher_is_better = self._stated = higher_is_better
        self.best: float | None = None
        self.waited = 0
        self._before: bool | None = None  # the direction before a resume
        self._scores: list[float] = []  # of this process's validations
        self._comparable = ComparableScores("to stop early")

    def reset(self) -> None:
        """Forget the best score."""
        self.best, self.waited, self._before = None, 0, None

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Check that validation has the score, and take its direction."""
        declared = direction_of(self.metric, state.directions, STOP, WHERE)
        self.higher_is_better = stated_direction(self._stated, declared, self.metric, WHERE)
        self._scores = []
        if self._before not in (None, self.higher_is_better):
            self.reset()
        self._look(control)

    def validated(self, state: TrainState, control: Control) -> None:
        """Compare the new score with the best so far; nan is never an improvement.

        A score of fewer samples than before counts neither way.
        """
        direction_of(self.metric, dict.fromkeys(state.validation, True), STOP, WHERE)
        score = float(state.validation[self.metric])
        if self._comparable.begins_anew(state.validation):
            self.forget_scores()
        if not self._comparable.are_comparable(state.validation):
            return
        self._scores.append(score)
        warn_undefined(self.metric, self._scores, "it counts as not improved", WHERE)
        if self._improves(score):
            self.best, self.waited = score, 0
            return
        self.waited += 1
        self._look(control)

    def _look(self, control: Control) -> None:
        """Stop if patience is over; a resumed training may stop at once."""
        if self.waited >= self.patience:
            best = "none" if self.best is None else f"{self.best:.6g}"
            control.stop(
                f"{self.metric} has not improved in {self.waited} validations (best: {best})"
            )

    def state_dict(self) -> dict[str, Any]:
        """Return the best score and the validations since."""
        about = {"metric": self.metric, "higher_is_better": self.higher_is_better}
        return {**about, "best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the best score, unless it is of another metric."""
        if state.get("metric", self.metric) == self.metric:
            self._before = state.get("higher_is_better")
            self.best, self.waited = state["best"], state["waited"]

    def forget_scores(self) -> None:
        """Forget the best score."""
        self.best, self.waited = None, 0

    def _improves(self, score: float) -> bool:
        if math.isnan(score):
            return False
        if self.best is None:
            return True
        gain = score - self.best if self.higher_is_better else self.best - score
        return gain > self.min_delta
