"""Parameter groups by name patterns: learning rate and weight decay factors, frozen parameters."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence

from densefit.errors import ConfigError
from densefit.numeric import is_real
from densefit.registry import nearest

Groups = Mapping[str, Mapping[str, float]]

_FACTORS = ("lr", "wd")


def factors(groups: Groups, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Factors of the grouped parameters: {"lr": {parameter: factor}, "wd": {...}}.

    >>> factors({"*": {"lr": 0.1}, "*_bias": {"wd": 0}}, ["a_weight", "a_bias"])
    {'lr': {'a_weight': 0.1, 'a_bias': 0.1}, 'wd': {'a_bias': 0.0}}

    Args:
        groups: pattern (`*`, `?`, `[...]`) or exact name -> {"lr": factor, "wd": factor}; the last
            match wins.
        names: names of all parameters.

    Raises:
        ConfigError: a pattern matches nothing, or a factor is unknown or negative.
    """
    by_kind: dict[str, dict[str, float]] = {kind: {} for kind in _FACTORS}
    for pattern, settings in groups.items():
        matched = _matching(pattern, names, "groups")
        for kind, factor in settings.items():
            if kind not in _FACTORS or not is_real(factor) or factor < 0:
                raise ConfigError(
                    "A group of parameters has an invalid setting",
                    expected="lr and wd, factors of 0 or more",
                    received=f"{kind}={factor!r}",
                    where=f"groups, {pattern!r}",
                )
            by_kind[kind].update(dict.fromkeys(matched, float(factor)))
    return by_kind


def frozen(patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    """Names that match one of the patterns, in the order of `names`.

    Raises:
        ConfigError: a pattern matches nothing, or everything is frozen.
    """
    chosen = {name for pattern in patterns for name in _matching(pattern, names, "freeze")}
    if chosen and len(chosen) == len(names):
        raise ConfigError(
            "Every parameter is frozen: nothing is left to train", received=list(patterns)
        )
    return [name for name in names if name in chosen]


def check_fixed(fixed: Iterable[str], names: Sequence[str], chosen: Iterable[str]) -> list[str]:
    """Names of the parameters without a gradient: frozen ones, and those in `fixed`.

    Args:
        fixed: names of parameters.
        names: names of all parameters.
        chosen: names of the frozen parameters.

    Raises:
        ConfigError: an unknown name, or every parameter is fixed.
    """
    without_gradient = {*fixed, *chosen}
    for name in sorted(without_gradient):
        if name not in names:
            raise ConfigError(
                f"The symbol has no parameter {name!r} to fix",
                where="fixed_param_names",
                fix=nearest(name, names),
            )
    if without_gradient and len(without_gradient) == len(names):
        raise ConfigError("Every parameter is fixed: nothing is left to train", received=names)
    return [name for name in names if name in without_gradient]


def _matching(pattern: str, names: Sequence[str], where: str) -> list[str]:
    if pattern in names:  # names may contain special characters: `conv[1]_weight`
        return [pattern]
    matched = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not matched:
        raise ConfigError(
            "A pattern matches no parameter",
            expected=f"one of {', '.join(names[:6])}, ..." if len(names) > 6 else list(names),
            received=repr(pattern),
            where=where,
        )
    return matched
