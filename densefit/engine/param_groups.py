"""Parameters in groups, by patterns of their names: rates of their own, no decay, frozen."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence

from densefit.errors import ConfigError
from densefit.numeric import is_real
from densefit.registry import nearest

Groups = Mapping[str, Mapping[str, float]]

_FACTORS = ("lr", "wd")


def factors(groups: Groups, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """{"lr": {parameter: factor}, "wd": {parameter: factor}} of the parameters in a group.

    >>> factors({"*": {"lr": 0.1}, "*_bias": {"wd": 0}}, ["a_weight", "a_bias"])
    {'lr': {'a_weight': 0.1, 'a_bias': 0.1}, 'wd': {'a_bias': 0.0}}

    Args:
        groups: pattern (`*`, `?`, `[...]`), or a name as it is -> {"lr": factor, "wd": factor};
            where several match, the later ones win.
        names: of all parameters.

    Raises:
        ConfigError: a pattern matches nothing, or a factor is unknown or negative.
    """
    found: dict[str, dict[str, float]] = {kind: {} for kind in _FACTORS}
    for pattern, settings in groups.items():
        matched = _matching(pattern, names, "groups")
        for kind, factor in settings.items():
            if kind not in _FACTORS or not is_real(factor) or factor < 0:
                raise ConfigError(
                    "A group of parameters has an unusable setting",
                    expected="lr and wd, factors of 0 or more",
                    received=f"{kind}={factor!r}",
                    where=f"groups, {pattern!r}",
                )
            found[kind].update(dict.fromkeys(matched, float(factor)))
    return found


def frozen(patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    """The parameters that match one of the patterns, in their order.

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
    """The parameters that have no gradient: those that are frozen, and those named one by one.

    Args:
        fixed: names.
        names: of all parameters.
        chosen: those that are frozen.

    Raises:
        ConfigError: a name is no parameter's, or every parameter is fixed.
    """
    wanted = {*fixed, *chosen}
    for name in sorted(wanted):
        if name not in names:
            raise ConfigError(
                f"The fixed parameter {name!r} is none of the symbol's",
                where="fixed_param_names",
                fix=nearest(name, names),
            )
    if wanted and len(wanted) == len(names):
        raise ConfigError("Every parameter is fixed: nothing is left to train", received=names)
    return [name for name in names if name in wanted]


def _matching(pattern: str, names: Sequence[str], where: str) -> list[str]:
    if pattern in names:  # a name may hold what a pattern gives a meaning: `conv[1]_weight`
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
