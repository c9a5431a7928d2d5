"""Numbers made of a validation's scores, to stand among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from densefit.errors import ConfigError


class Derived(Protocol):
    """A number made of all scores of a validation, "<head>/<number>" -> float."""

    @property
    def higher_is_better(self) -> bool: ...

    def __call__(self, scores: Mapping[str, float]) -> float: ...


def check_derived(derived: Mapping[str, Derived], known: Mapping[str, bool]) -> None:
    """Raise ConfigError if a derived number would take the name of a score.

    Args:
        derived: name -> what makes it.
        known: the scores themselves.
    """
    for name in derived:
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
