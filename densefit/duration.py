"""Lengths of training: "3ep" (epochs), "500st" (updates), "10%" (of the whole), 500 (updates)."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, Union

from densefit.errors import ConfigError

DurationLike: TypeAlias = Union[int, str, "Duration"]

_FORMS = "'3ep' (epochs), '500st' or 500 (updates), or '10%' (of all updates)"
_PATTERN = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ep|st|%)?")


@dataclass(frozen=True)
class Duration:
    """Duration in epochs, updates or percent of the training.

    The value is an exact fraction, so that "10%" of 30 updates is 3 and not 3.0000000000000004.

    >>> Duration.parse("3ep").resolve(updates_per_epoch=100, total=None)
    300
    >>> Duration.parse("10%").resolve(updates_per_epoch=None, total=30)
    3
    >>> str(Duration.parse(500))
    '500st'

    Attributes:
        value: number of units; never negative.
        unit: "ep", "st" or "%".
    """

    value: Fraction
    unit: str

    @classmethod
    def parse(cls, duration: DurationLike, where: str | None = None) -> Duration:
        """Parse a duration.

        Args:
            duration: text as above, a number of updates, or a Duration, which is returned.
            where: name of the setting, for the error message.

        Raises:
            ConfigError: not a duration, negative, or more than 100 %.
        """
        if isinstance(duration, Duration):
            return duration
        value, unit = _number_and_unit(duration, where)
        if unit == "st" and value.denominator != 1:
            raise ConfigError(
                "A number of updates must be whole",
                expected="e.g. '500st'",
                received=repr(duration),
                where=where,
                fix="count in epochs ('0.5ep') or parts of the whole ('2.5%') instead",
            )
        if unit == "%" and value > 100:
            raise ConfigError(
                "A duration cannot be more than the whole training",
                expected="0% to 100%",
                received=repr(duration),
                where=where,
            )
        return cls(value, unit)

    def resolve(
        self, updates_per_epoch: int | None, total: int | None, where: str | None = None
    ) -> int:
        """Convert to updates, rounded to the nearest (halves up).

        A duration above 0 is at least one update: "1%" of 20 updates is 1.

        Args:
            updates_per_epoch: number of updates per epoch; None if unknown.
            total: number of updates of the training; None if unknown.
            where: name of the setting, for the error message.

        Raises:
            ConfigError: the duration is in epochs or percent, and the length is unknown.
        """
        if self.unit == "st":
            return int(self.value)
        if self.unit == "ep":
            if updates_per_epoch is None:
                raise ConfigError(
                    f"The duration {str(self)!r} counts epochs, but the number of updates in an "
                    "epoch is not known",
                    where=where,
                    fix="write it in updates ('500st'), or train on data that has a length",
                )
            exact = self.value * updates_per_epoch
        else:
            if total is None:
                raise ConfigError(
                    f"The duration {str(self)!r} is a part of the whole training, whose length "
                    "is not known",
                    where=where,
                    fix="say how long to train (epochs= or updates=), or write it in updates",
                )
            exact = self.value * total / 100
        rounded = math.floor(exact + Fraction(1, 2))
        return max(1, rounded) if exact > 0 else 0

    def __str__(self) -> str:
        whole = self.value.denominator == 1
        return f"{int(self.value) if whole else float(self.value)}{self.unit}"


def _number_and_unit(duration: object, where: str | None) -> tuple[Fraction, str]:
    """Split a duration into number and unit; a number without unit counts updates."""
    if isinstance(duration, str):
        match = _PATTERN.fullmatch(duration.strip())
        if match is not None:
            return Fraction(match.group(1)), match.group(2) or "st"
    elif not isinstance(duration, bool):
        try:
            number = operator.index(duration)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        if number >= 0:
            return Fraction(number), "st"
    raise ConfigError(
        "This is not a duration", expected=_FORMS, received=repr(duration), where=where
    )
