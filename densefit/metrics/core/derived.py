"""Numbers made of a validation's scores, to stand among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from densefit.errors import ConfigError


class Derived(Protocol):
    """A number made of all scores of a validation, "<head>/<number>" -> float.

    A function may have an attribute `higher_is_better`, True or False. Without it, what follows the
    number (`Keep`, `EarlyStopping`, `Plateau`) has to say `higher_is_better=` itself.

    One that has a method `check(known, where)` is told before training what scores there will be,
    score -> whether a high one is good, and raises ConfigError if it lacks one.
    """

    def __call__(self, scores: Mapping[str, float]) -> float: ...


def check_derived(derived: Mapping[str, Derived], known: Mapping[str, bool]) -> None:
    """Raise ConfigError if a derived number cannot be made, or would take the name of a score.

    Args:
        derived: name -> what makes it.
        known: the scores themselves; none without a validation.
    """
    if derived and not known:
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
            make.check(known, f"derived, {name!r}")
        if name in known:
            raise ConfigError(
                f"The validation has a score {name!r} already",
                where="derived",
                fix="give the derived number another name",
            )


def derived_directions(derived: Mapping[str, Derived]) -> dict[str, bool | None]:
    """Name -> whether a high number is good; None for a function that does not say."""
    return {name: _declared(make) for name, make in derived.items()}


def _declared(make: object) -> bool | None:
    return getattr(make, "higher_is_better", None)


def with_derived(scores: Mapping[str, float], derived: Mapping[str, Derived]) -> dict[str, float]:
    """The scores, and the numbers made of them.

    >>> with_derived({"a/AP": 0.5, "b/AP": 0.25}, {"sum": lambda scores: sum(scores.values())})
    {'a/AP': 0.5, 'b/AP': 0.25, 'sum': 0.75}
    """
    return {**scores, **{name: float(make(scores)) for name, make in derived.items()}}
