"""Retention of checkpoints: the last few, and the best by a named score.

On disk a save is `update-00001234`; `last` and `best` are separate directories that share its
files (see `store.link`), so that they can be named on a command line and copied.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from densefit.checkpoint.storage import store
from densefit.metrics.core.direction import direction_of, stated_direction, warn_undefined
from densefit.metrics.core.unreadable import ComparableScores, unreadable_in
from densefit.numeric import whole

LAST, BEST = "last", store.BEST
_log = logging.getLogger("densefit")
NAMES, WHERE = "to name the best checkpoint", "Keep(best=...)"


@dataclass(frozen=True)
class Record:
    """Record of one save.

    Attributes:
        name: name of the checkpoint's directory.
        update: number of updates done.
        score: score by which the best save is chosen; nan if it was not measured.
        unreadable: number of samples that the score lacks.
    """

    name: str
    update: int
    score: float
    unreadable: int = 0


def checkpoint_name(update: int) -> str:
    """Return the directory name of the save after `update` updates; sorts by update.

    >>> checkpoint_name(1234)
    'update-00001234'
    """
    return f"update-{update:08d}"


def best_of(records: Sequence[Record], higher_is_better: bool = True) -> Record | None:
    """Return the record with the best score, the earliest of equals; nan is never the best.

    Of scores of different numbers of samples, only those that lack the fewest are compared.
    """
    scored = [record for record in records if not math.isnan(record.score)]
    fewest = min((record.unreadable for record in scored), default=0)
    scored = [record for record in scored if record.unreadable == fewest]
    sign = 1 if higher_is_better else -1
    return max(scored, key=lambda record: sign * record.score, default=None)


def which_to_keep(
    records: Sequence[Record], last: int, best: bool, higher_is_better: bool = True
) -> set[str]:
    """Return the names of the saves to keep: the `last` records, and the best one if `best`.

    >>> saves = [Record("a", 1, 0.5), Record("b", 2, 0.7), Record("c", 3, 0.6)]
    >>> sorted(which_to_keep(saves, last=1, best=True))
    ['b', 'c']
    """
    keep = {record.name for record in records[-last:]} if last > 0 else set()
    leader = best_of(records, higher_is_better) if best else None
    return keep if leader is None else keep | {leader.name}


class Keep:
    """Retention policy: name saves, and remove outdated ones.

    Around each save:

        name = keep.record(update, scores)              # first: the checkpoint's state holds it
        store.write(directory, name, parts, {"keep": keep.state_dict(), ...})
        keep.apply(directory)                           # last: removes only after the write

    After a resume call `apply` once more, to finish a removal that a crash interrupted. Checkpoints
    that were not recorded here, e.g. of an earlier training in the same directory, are left alone.

    Args:
        last: number of latest saves to keep, at least 1.
        best: key of the score that selects the best, e.g. "segmentation/mIoU"; None for no best.
        higher_is_better: False for losses and errors; None takes the direction that the metric
            declares, which `fit` passes to `judged_by`.
        relative_to: what the score is relative to, as delta-m to baselines: after a resume with
            another one, scores of before are forgotten.

    Raises:
        ConfigError: `last` is less than 1.
    """

    def __init__(
        self,
        last: int = 1,
        best: str | None = None,
        higher_is_better: bool | None = None,
        relative_to: Mapping[str, float] | None = None,
    ) -> None:
        self.last = whole(last, "last", 1, where="Keep")
        self.best = best
        self.higher_is_better = True if higher_is_better is None else higher_is_better
        self.relative_to = dict(relative_to or {})
        self._stated = higher_is_better
        self._scores: list[float] = []  # one a validation of this process
        self.records: list[Record] = []
        self._comparable = ComparableScores(f"for the checkpoint {BEST!r}")

    def begin(self) -> None:
        """Forget the saves of an earlier training."""
        self.records = []

    def judged_by(self, directions: Mapping[str, bool | None]) -> None:
        """Take the direction that the metric of `best` declares.

        Args:
            directions: validation score -> whether higher is better (None: not declared).

        Raises:
            ConfigError: the score `best` is missing.
        """
        if self.best is not None:
            declared = direction_of(self.best, directions, NAMES, WHERE)
            self.higher_is_better = stated_direction(self._stated, declared, self.best, WHERE)
            self._scores = []

    def record(self, update: int, scores: Mapping[str, float]) -> str:
        """Record a save that is about to be written; returns the checkpoint's name.

        Args:
            update: number of updates done. A second save at the same update replaces the first.
            scores: scores of a validation of these weights; empty if there was none.

        Raises:
            ConfigError: the score that selects the best is missing.
        """
        score = math.nan
        if self.best is not None and scores:
            direction_of(self.best, dict.fromkeys(scores, True), NAMES, WHERE)
            score = float(scores[self.best])
        new = Record(checkpoint_name(update), update, score, unreadable_in(scores))
        for old in self.records:
            if old.name == new.name and math.isnan(new.score):
                new = old  # the same weights, whose score is known
        self.records = [old for old in self.records if old.name != new.name] + [new]
        return new.name

    def observe(self, scores: Mapping[str, float]) -> None:
        """Record a validation's scores, and warn if the score for `best` is nan."""
        if self.best is not None:
            self._scores.append(float(scores.get(self.best, math.nan)))
            self._comparable.begins_anew(scores)
            self._comparable.are_comparable(scores)  # warns
            warn_undefined(self.best, self._scores, "no checkpoint is the best", WHERE)

    def improves(self, scores: Mapping[str, float]) -> bool:
        """Return whether validation scores are better than those of all saves."""
        if self.best is None or math.isnan(scores.get(self.best, math.nan)):
            return False
        new = Record("", 0, float(scores[self.best]), unreadable_in(scores))
        scored = [record for record in self.records if not math.isnan(record.score)]
        return best_of([*scored, new], self.higher_is_better) is new

    def warn_at_end(self) -> None:
        """Warn if there is no best checkpoint because every score was nan."""
        if self._scores and self.leader is None and all(map(math.isnan, self._scores)):
            _log.warning(
                "There is no checkpoint %r: %r was nan in all %d validations\n  where:    %s\n"
                "  fix:      look at what the validation counts, or choose another score",
                *(BEST, self.best, len(self._scores), WHERE),
            )

    @property
    def leader(self) -> Record | None:
        """Return the best save so far; None without scores."""
        return best_of(self.records, self.higher_is_better) if self.best is not None else None

    def apply(self, directory: Path) -> None:
        """Link `last` and `best` to the newest save if due, then remove outdated saves.

        Records of saves that are not in `directory` (of another directory, or removed by hand)
        are forgotten, except the best one while `best` exists.

        Raises:
            CheckpointError: the disk refuses.
        """
        directory = Path(directory)
        present = store.names(directory)
        self.records = [
            record
            for record in self.records
            if record.name in present or (record is self.leader and BEST in present)
        ]
        newest = self.records[-1] if self.records else None
        if newest is not None and newest.name in present and store.is_whole(present[newest.name]):
            store.link(directory / newest.name, LAST)
            if self.leader is newest:
                store.link(directory / newest.name, BEST)
        keep = which_to_keep(self.records, self.last, self.best is not None, self.higher_is_better)
        for record in self.records:
            if record.name not in keep:
                store.remove(directory / record.name)
        self.records = [record for record in self.records if record.name in keep]

    def state_dict(self) -> dict[str, Any]:
        """Return the records of the kept saves."""
        about: dict[str, Any] = {"best": self.best, "higher_is_better": self.higher_is_better}
        if self.relative_to:
            about["relative_to"] = self.relative_to
        return {"records": [asdict(record) for record in self.records], **about}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state; scores are forgotten if `best` names another metric."""
        self.records = [Record(**record) for record in state["records"]]
        before = state.get("best", self.best), state.get("higher_is_better", self.higher_is_better)
        if self.best is not None and before != (self.best, self.higher_is_better):
            _log.warning(
                "The best checkpoint is chosen by %r from now on, before by %r: what was the best "
                "until now is not known",
                self.best,
                before[0],
            )
            self.forget_scores()
        elif self.best is not None and state.get("relative_to", {}) != self.relative_to:
            _log.warning(
                "The best checkpoint is chosen by %r relative to %s from now on, before to %s: "
                "what was the best until now is not known",
                self.best,
                self.relative_to or "nothing",
                state.get("relative_to") or "nothing",
            )
            self.forget_scores()

    def forget_scores(self) -> None:
        """Forget the scores of all saves, e.g. because the validation data changed."""
        self.records = [replace(record, score=math.nan) for record in self.records]
