"""Rate drops when a score no longer improves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from densefit.errors import ConfigError
from densefit.metrics.core.direction import direction_of, stated_direction, warn_undefined
from densefit.metrics.core.unreadable import ComparableScores
from densefit.train.schedules.schedule import Moment, Plan, Rate, Resolved, schedules
from densefit.train.schedules.warmup import WarmedUp

MODES = ("rel", "abs")
FOLLOW = "for the learning rate to follow"


@schedules.register("plateau")
@dataclass(frozen=True)
class Plateau(WarmedUp):
    """The rate times `factor` after more than `patience` validations without a better score.

    As torch's ReduceLROnPlateau, except that a relative threshold is a part of the best score's
    absolute value: with negative scores, torch takes worse scores for better. The only schedule
    with a state: its resolved form follows the scores given to `observe`. Scores during warm-up
    count; the rate rises until it meets the rate that they led to.

    >>> rate = Plateau(1.0, "a/loss", patience=0, higher_is_better=False).resolve(total=None)
    >>> rate.observe({"a/loss": 0.5})
    >>> rate.observe({"a/loss": 0.5})
    >>> rate(10)
    0.1

    Attributes:
        metric: key of the score, e.g. "age/mae".
        factor: above 0, below 1.
        patience: validations in a row without improvement that change nothing.
        threshold: least improvement on the best score, 0 or more.
        threshold_mode: "rel", a part of the best score, or "abs".
        cooldown: validations after a drop that do not count as without improvement.
        final: the lowest rate, 0 to `lr`.
        higher_is_better: None: as the metric declares.
    """

    lr: float
    metric: str
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    final: float = 0.0
    higher_is_better: bool | None = None
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"
    scored: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.metric, str):
            raise self._wrong("metric", "a score's name, e.g. 'age/mae'")
        self._check("factor", "above 0, below 1", lambda factor: 0 < factor < 1)
        for setting in ("patience", "cooldown"):
            self._check(setting, "a whole number, 0 or more", lambda n: n >= 0 and n == int(n))
        self._check("threshold", "a finite number, 0 or more", lambda value: value >= 0)
        if self.threshold_mode not in MODES:
            raise self._wrong("threshold_mode", " or ".join(MODES))
        self._check_final()

    def judged_by(self, directions: Mapping[str, bool | None]) -> Plateau:
        """Return the schedule with the direction that the score's metric declares.

        Args:
            directions: validation score -> whether higher is better (None: not declared).

        Raises:
            ConfigError: the validation lacks the score.
        """
        declared = direction_of(self.metric, directions, FOLLOW, self._where("metric"))
        where = self._where("metric")
        high = stated_direction(self.higher_is_better, declared, self.metric, where)
        return replace(self, higher_is_better=high)

    def _warmed_up(self, plan: Plan, decay: Rate, moments: list[Moment]) -> Resolved:
        if self.higher_is_better is None:
            raise ConfigError(
                f"Whether a high {self.metric!r} is good is not known",
                where=self._where("higher_is_better"),
                fix="higher_is_better=True, or False for losses and errors",
            )
        return ResolvedPlateau(self, super()._warmed_up(plan, decay, moments))

    def _decay(self, plan: Plan) -> Rate:
        return lambda t: self.lr


class Standing(NamedTuple):
    """State of a plateau.

    Attributes:
        best: the best score so far; None before the first.
        bad: validations in a row without improvement.
        cooldown: number of following validations that do not count as bad.
        drops: number of drops of the rate.
    """

    best: float | None = None
    bad: int = 0
    cooldown: int = 0
    drops: int = 0


def next_standing(standing: Standing, score: float, plateau: Plateau) -> Standing:
    """Return the state after one more score; a score that is not finite is no improvement."""
    best, bad, cooldown, drops = standing
    if improves(score, best, plateau):
        best, bad = score, 0
    else:
        bad += 1
    if cooldown > 0:
        bad, cooldown = 0, cooldown - 1
    if bad > plateau.patience:
        bad, cooldown = 0, plateau.cooldown
        drops += rate_after(drops, plateau) > plateau.final
    return Standing(best, bad, cooldown, drops)


def improves(score: float, best: float | None, plateau: Plateau) -> bool:
    """Whether a score is better than the best so far, by the threshold."""
    if best is None or not math.isfinite(score):
        return math.isfinite(score)
    sign = 1.0 if plateau.higher_is_better else -1.0
    share = abs(best) if plateau.threshold_mode == "rel" else 1.0
    return sign * score > sign * best + plateau.threshold * share


def rate_after(drops: int, plateau: Plateau) -> float:
    """Return the rate after a number of drops."""
    return max(plateau.final, plateau.lr * math.pow(plateau.factor, drops))


class ResolvedPlateau(Resolved):
    """Resolved plateau: warm-up, and the rate that the scores so far lead to.

    Args:
        plateau: its settings, with a direction.
        undisturbed: the rates while all scores improve.
    """

    def __init__(self, plateau: Plateau, undisturbed: Resolved) -> None:
        super().__init__(self._followed, undisturbed.total, undisturbed.moments)
        self.standing = Standing()
        self._plateau = plateau
        self._undisturbed = undisturbed
        self._scores: list[float] = []  # one a validation of this process
        self._comparable = ComparableScores("by the schedule")

    def observe(self, scores: Mapping[str, float]) -> None:
        """Update the state by a validation's scores.

        Raises:
            ConfigError: the followed score is missing.
        """
        key, where = self._plateau.metric, self._plateau._where("metric")
        direction_of(key, dict.fromkeys(scores, True), FOLLOW, where)
        if self._comparable.begins_anew(scores):
            self.forget_scores()
        if not self._comparable.are_comparable(scores):
            return
        score = float(scores[key])
        self._scores.append(score)
        warn_undefined(key, self._scores, "it counts as not improved", where)
        self.standing = next_standing(self.standing, score, self._plateau)

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with its metric."""
        about = {"metric": self._plateau.metric, "higher_is_better": self._plateau.higher_is_better}
        return {**about, **self.standing._asdict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, unless it is of another metric."""
        saved = dict(state.get("schedule", state))  # of a Deferred schedule
        followed = self._plateau.metric, self._plateau.higher_is_better
        was = saved.pop("metric", followed[0]), saved.pop("higher_is_better", followed[1])
        if was == followed and set(saved) <= {*Standing._fields}:
            self.standing = Standing(**saved)

    def forget_scores(self) -> None:
        """Forget the best score, and keep the rate."""
        self.standing = self.standing._replace(best=None, bad=0)

    def _followed(self, t: int) -> float:
        return min(self._undisturbed(t), rate_after(self.standing.drops, self._plateau))
