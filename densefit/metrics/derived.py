"""Numbers made of a validation's scores, to stand among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from densefit.errors import ConfigError


class Derived(Protocol):
    """A number made of all scores of a validation, "<head>/<number>" -> float.

    One that has a method `check(known, where)` is told before training what scores there will be,
    score -> whether a high one is good, and raises ConfigError if it lacks one.
    """

    @property
    def higher_is_better(self) -> bool: ...

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
        if not callable(make) or not isinstance(getattr(make, "higher_is_better", None), bool):
            raise ConfigError(
                "A derived number does not say whether a high one is good",
                expected="something callable with an attribute `higher_is_better`, True or False",
                received=repr(make),
                where=f"derived, {name!r}",
                fix="densefit.metrics.Composite, or give the function the attribute: "
                "f.higher_is_better = True",
            )
        if hasattr(make, "check"):
            make.check(known, f"derived, {name!r}")
        if name in known:
            raise ConfigError(
                f"The validation has a score {name!r} already",
                where="derived",
                fix="give the derived number another name",
            )


def with_derived(scores: Mapping[str, float], derived: Mapping[str, Derived]) -> dict[str, float]:
    """The scores, and the numbers made of them.

    >>> class Sum:
    ...     higher_is_better = True
    ...     def __call__(self, scores): return sum(scores.values())
    >>> with_derived({"a/AP": 0.5, "b/AP": 0.25}, {"sum": Sum()})
    {'a/AP': 0.5, 'b/AP': 0.25, 'sum': 0.75}
    """
    return {**scores, **{name: float(make(scores)) for name, make in derived.items()}}
