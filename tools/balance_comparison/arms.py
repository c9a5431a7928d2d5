"""What is compared: each head alone, and ways of training all heads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.train.balance import balancers

EQUAL = "equal"  # the control: losses are added up
FIXED = "fixed"
DISTILLED = "distilled"
_NO_METHODS = (FIXED, "scheduled")  # need factors

#: Balancer -> setting -> (lowest, highest, whether its logarithm is even), for trials.
SPACES: Mapping[str, Mapping[str, tuple[float, float, bool]]] = {
    "cagrad": {"c": (0.05, 0.9, False)},
    "dwa": {"temperature": (0.5, 10.0, True)},
    "gradnorm": {"alpha": (0.0, 3.0, False), "lr": (0.005, 0.2, True)},
}
WEIGHTS = (0.1, 10.0)  # of heads, for trials of fixed weights


@dataclass(frozen=True)
class Arm:
    """A way of training all heads, or one head alone.

    Attributes:
        name: name of its row, and of its folder.
        words: options of the training.
        head: the head that is trained alone; None for all heads.
        taught: heads that learn from the same head alone, with the same seed.
    """

    name: str
    words: tuple[str, ...]
    head: str | None = None
    taught: tuple[str, ...] = ()


def alone(heads: Sequence[str]) -> list[Arm]:
    """Each head alone."""
    return [
        Arm(f"{head} alone", ("--only", f"[{head}]", "--training.best", "composite"), head)
        for head in heads
    ]


def balanced(name: str, settings: Mapping[str, Any]) -> Arm:
    """All heads, by a balancer with these settings."""
    return Arm(name, ("--training.balance", json.dumps({"name": name, **settings})))


def ways(
    methods: Sequence[str], variants: Mapping[str, Mapping[str, Any]], taught: Sequence[str] = ()
) -> list[Arm]:
    """All heads: equal weights first, each balancer, variants of the recipe, and with teachers.

    Args:
        methods: names of balancers.
        variants: name -> dotted settings of the recipe.
        taught: heads that learn from the same head alone, in one arm more.

    Raises:
        ConfigError: no such balancer, one that does nothing without settings, or a name twice.
    """
    for name in methods:
        if name in _NO_METHODS:
            raise ConfigError(
                f"The balancer {name!r} is nothing without factors",
                where="--methods",
                fix="--trials N searches for fixed weights; or a variant with your factors",
            )
        if name not in balancers.names():
            raise ConfigError(
                f"There is no balancer {name!r}",
                where="--methods",
                fix=nearest(name, balancers.names()),
            )
    names = [EQUAL, *methods, *variants, *([DISTILLED] if taught else [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"Two methods are called {twice[0]!r}", fix="another name for one")
    equal = ("--training.balance", "null")
    return [
        Arm(EQUAL, equal),
        *(balanced(name, {}) for name in methods),
        *(Arm(name, _words(settings)) for name, settings in variants.items()),
        *([Arm(DISTILLED, equal, taught=tuple(taught))] if taught else []),
    ]


def _words(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        word
        for key, value in settings.items()
        for word in (f"--{key}", value if isinstance(value, str) else json.dumps(value))
    )
