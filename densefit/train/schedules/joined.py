"""Sequence of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from densefit.errors import ConfigError, located
from densefit.train.schedules.schedule import Moment, Plan, Resolved, Schedule, schedules
from densefit.train.schedules.step import check_moments, rising


@schedules.register("joined")
@dataclass(frozen=True)
class Joined(Schedule):
    """One schedule until the first of the moments `at`, the next until the second, and so on.

    Each schedule counts updates from its start, and percentages and decay refer to the length of
    its piece. torch's SequentialLR.

    >>> from densefit.train.schedules import Constant, Linear
    >>> pieces = [Constant(0.1), Linear(0.1)]
    >>> rate = Joined(pieces, at=["60%"]).resolve(total=100)
    >>> rate(0), rate(60), rate(80), rate(100)
    (0.1, 0.1, 0.05, 0.0)

    Attributes:
        pieces: schedules, or their settings as in a recipe: {"name": "cosine", "lr": 0.1}.
        at: rising durations from the first update of training, one less than pieces.
        lr: the highest of the pieces' rates.
    """

    pieces: Sequence[Schedule | Mapping[str, Any]]
    at: Sequence[int | str]
    lr: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        where = self._where("pieces")
        if isinstance(self.pieces, (str, Mapping)) or not isinstance(self.pieces, Sequence):
            raise self._wrong("pieces", "a list of schedules")
        pieces = tuple(_as_schedule(piece, where) for piece in self.pieces)
        check_moments(self.at, self._where("at"))
        if not pieces or len(self.at) != len(pieces) - 1:
            raise ConfigError(
                "Joined schedules have a moment between each two of them",
                expected=f"{max(len(pieces) - 1, 0)} moments for {len(pieces)} schedules",
                received=f"at={list(self.at)!r}",
                where=self._where("at"),
            )
        for piece in pieces:
            if piece.scored:
                raise ConfigError(
                    "A schedule that follows scores cannot be one piece of several",
                    expected="pieces that depend on the number of updates alone",
                    received=piece,
                    where=where,
                    fix="use it for the whole training; it has a warm-up of its own",
                )
        object.__setattr__(self, "pieces", pieces)
        object.__setattr__(self, "lr", max(piece.lr for piece in pieces))
        super().__post_init__()

    def _resolve(self, plan: Plan) -> Resolved:
        where = self._where("at")
        moments = rising(self.at, plan, where)
        schedule_pieces = cast("tuple[Schedule, ...]", self.pieces)  # since __post_init__
        starts, ends = [0, *moments], [*moments, plan.total]
        pieces = []
        for number, (piece, start, end) in enumerate(zip(schedule_pieces, starts, ends), 1):
            if end is not None and end <= start:
                raise ConfigError(
                    f"Piece {number} of the joined schedules has no update",
                    expected="moments that rise, above 0 and before the end of training",
                    received=f"at={list(self.at)!r}, which is at the updates {moments}",
                    where=where,
                )
            with located(f"piece {number} of Joined"):
                length = None if end is None else end - start
                pieces.append(piece.resolve(length, plan.updates_per_epoch))

        def rate(t: int) -> float:
            number = bisect_right(moments, t)
            return pieces[number](t - starts[number])

        marks: list[Moment] = []
        for piece, resolved, start in zip(schedule_pieces, pieces, starts):
            marks += [(start, f"{type(piece).__name__} begins")] if start else []
            marks += [(start + t, what) for t, what in resolved.moments]
        return Resolved(rate, plan.total, marks)


def _as_schedule(piece: object, where: str) -> Schedule:
    """Convert a piece to a schedule."""
    if isinstance(piece, Schedule):
        return piece
    if isinstance(piece, Mapping) and "name" in piece:
        settings = {key: value for key, value in piece.items() if key != "name"}
        with located(where):
            return schedules.create(piece["name"], **settings)
    raise ConfigError(
        "A piece of a joined schedule is not a schedule",
        expected="a schedule, or its name and settings",
        received=repr(piece),
        where=where,
        fix="{name: cosine, lr: 0.1}",
    )
