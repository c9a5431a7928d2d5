"""Numbers derived from a validation's scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from densefit.errors import ConfigError


class Derived(Protocol):
    """Function of all scores of a validation, "<head>/<number>" -> float.

    It may have an attribute `higher_is_better`, True or False. Without it, the settings that follow
    the number (`Keep`, `EarlyStopping`, `Plateau`) need `higher_is_better=`.

    Its method `check(scores, where)`, if it has one, is called before training with score ->
    whether a high value is good, and raises ConfigError if a score is missing.
    """

    def __call__(self, scores: Mapping[str, float]) -> float: ...


def check_derived(derived: Mapping[str, Derived], scores: Mapping[str, bool]) -> None:
    """Raise ConfigError if a derived number cannot be computed, or has the name of a score.

    Args:
        derived: name -> function of the scores.
        scores: score -> whether a high value is good; empty without a validation.
    """
    if derived and not scores:
        raise ConfigError(
            "Derived numbers are made of a validation's scores, and there is no validation",
            received=list(derived),
            where="derived",
            fix="fit(..., validation=...)",
        )
    for name, make in derived.items():
        is_function = callable(make) and not isinstance(make, type)
        if not is_function or not isinstance(_declared(make), (bool, type(None))):
            raise ConfigError(
                "A derived number is a function of the scores",
                expected="a function; if it has an attribute `higher_is_better`, True or False",
                received=repr(make),
                where=f"derived, {name!r}",
                fix="densefit.metrics.core.composite.Composite, or "
                "lambda scores: scores['head/number']",
            )
        if hasattr(make, "check"):
            make.check(scores, f"derived, {name!r}")
        if name in scores:
            raise ConfigError(
                f"The validation has a score {name!r} already",
                where="derived",
                fix="give the derived number another name",
            )


def derived_directions(derived: Mapping[str, Derived]) -> dict[str, bool | None]:
    """Map the name of each derived number to whether a high value is good, or None."""
    return {name: _declared(make) for name, make in derived.items()}


def _declared(make: object) -> bool | None:
    return getattr(make, "higher_is_better", None)


def with_derived(scores: Mapping[str, float], derived: Mapping[str, Derived]) -> dict[str, float]:
    """Add derived numbers to the scores.

    >>> with_derived({"a/AP": 0.5, "b/AP": 0.25}, {"sum": lambda scores: sum(scores.values())})
    {'a/AP': 0.5, 'b/AP': 0.25, 'sum': 0.75}
    """
    return {**scores, **{name: float(make(scores)) for name, make in derived.items()}}
