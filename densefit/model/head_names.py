"""Names of heads: valid names, and names that start with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from densefit.errors import ConfigError

LONGEST = 100  # bytes: file names hold 255, with the image's name before the head's
#: Separators of heads, scores and (in MXNet) attributes, and wildcards.
_SPECIAL = "/~*?[]$"


def check_head_names(names: Iterable[Any], kind: str = "head") -> None:
    """Raise ConfigError unless names are distinct and usable in keys, patterns and file names.

    Args:
        names: names of all heads.
        kind: "head", or "route" of a symbol.
    """
    all_names = list(names)
    for name in all_names:
        if all_names.count(name) > 1:
            raise ConfigError(
                f"{all_names.count(name)} heads are named {name!r}",
                fix="give each a different name: df.head(task, name='...')",
            )
        why = _fault(name)
        if why is None:
            continue
        other = plain_name(name, [each for each in all_names if each != name])
        key = other if isinstance(name, str) else f'"{other}", with quotes'
        types = f"df.head(task, name={other!r}) (recipe: model.heads.{key})"
        if kind == "route":
            types = f"{{{other!r}: df.Route(...)}}"
        elif isinstance(name, str) and name and "*" not in name:
            renamed = f"rename={{{f'{name}_*'!r}: {f'{other}_*'!r}}}"
            types += f"; weights of a checkpoint: df.surgery.transfer(run, network, {renamed})"
        raise ConfigError(
            f"A head cannot be named {_cut(repr(name))}: {why}",
            expected=f"printable characters but {' '.join(_SPECIAL)}, {LONGEST} bytes at most, no "
            "blank at either end",
            received=_cut(repr(name)),
            fix=types,
        )


def _fault(name: Any) -> str | None:
    if not isinstance(name, str):
        return f"it is no string but {type(name).__name__}"
    if not name:
        return "it is empty"
    special = [sign for sign in _SPECIAL if sign in name]
    if special:
        return f"{special[0]!r} has a meaning of its own in scores, patterns and files"
    if not name.isprintable():
        return "it has characters that cannot be printed"
    if name != name.strip():
        return "a blank at its end is lost in tables and on the command line"
    if len(name.encode()) > LONGEST:
        return f"it is {len(name.encode())} bytes long"
    return None


def plain_name(name: Any, existing: Iterable[Any] = ()) -> str:
    """A valid head name similar to `name`, distinct from others.

    >>> plain_name("a/x"), plain_name("[1]"), plain_name("a/x", ["a_x"]), plain_name("")
    ('a_x', '_1_', 'a_x_2', 'head')
    """
    text = str(name)
    if _fault(text) is not None:
        signs = ["_" if c in _SPECIAL or not c.isprintable() else c for c in text.strip()]
        text = "".join(signs).encode()[: LONGEST - 4].decode(errors="ignore").strip() or "head"
    taken, candidate, number = list(existing), text, 2
    while candidate in taken:
        candidate, number = f"{text}_{number}", number + 1
    return candidate


def check_data_names(names: Collection[Any]) -> None:
    """Raise ConfigError unless names of datasets can be prefixes of scores.

    Args:
        names: names of all datasets.
    """
    for name in names:
        if not isinstance(name, str) or not name or "/" in name:
            raise ConfigError(
                f"Data that are scored cannot be named {name!r}",
                expected="a text without '/', which separates data, heads and numbers in scores",
                received=repr(name),
                fix=f"{{{plain_name(name or 'data', list(names))!r}: ...}}",
            )


def weight_name(head: str) -> str:
    """Name of the parameter with the weight that a balancer learns for a head's loss.

    It belongs to the head, and is part of the train graph only with such a balancer; afterwards the
    network keeps its value.

    >>> weight_name("depth")
    'depth_log_variance'
    """
    return f"{head}_log_variance"


def _cut(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
