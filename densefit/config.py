"""Typed settings: YAML recipes and dotted overrides into a dataclass, unknown keys refused."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import jsonargparse
import yaml

from densefit.errors import ConfigError

T = TypeVar("T")


def parse(
    kind: type[T],
    arguments: Sequence[str] | None = None,
    *,
    description: str = "",
    defaults: Mapping[str, Any] | None = None,
    positional: str | None = None,
) -> tuple[T, str]:
    """Read settings of the dataclass `kind` from a command line.

    `--config FILE` reads a YAML recipe, `--a.b value` overrides one key, later wins;
    `--print_config` shows the result and ends the program. Keys are never abbreviated.

    Args:
        kind: a dataclass, nested dataclasses allowed; its docstring becomes the help.
        arguments: the command line; that of the program by default.
        description: first lines of the help.
        defaults: dotted key -> value, in place of the dataclass's own defaults.
        positional: a field of `kind`, a list of texts, that is given without a `--key`.

    Returns:
        The instance, and the whole of the settings as YAML.

    Raises:
        ConfigError: an unknown key (with the nearest known one) or a value of another type.
    """
    parser = jsonargparse.ArgumentParser(
        description=description, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("--config", action="config", help="a YAML recipe")
    if positional is not None:
        said = re.search(rf"^\s*{positional}: (.*)$", kind.__doc__ or "", re.MULTILINE)
        help_text = said.group(1) if said else None
        parser.add_argument(positional, nargs="*", type=str, default=[], help=help_text)
    parser.add_class_arguments(kind, as_group=True, skip={positional} if positional else set())
    try:
        if defaults:
            parser.set_defaults(dict(defaults))
        namespace = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    except (argparse.ArgumentError, jsonargparse.ArgumentError, KeyError) as error:
        raise ConfigError(_reason(error), fix=_hint(str(error), _keys(parser))) from error
    made = parser.instantiate_classes(namespace)
    values = {key: value for key, value in vars(made).items() if key != "config"}
    text = parser.dump(namespace, skip_none=False)
    plain = yaml.safe_load(text)
    plain.pop("config", None)
    return kind(**values), yaml.safe_dump(plain, sort_keys=False)


def read(kind: type[T], path: str | Path) -> T:
    """The settings in a YAML file (what a run folder keeps).

    Raises:
        ConfigError: there is no such file, or it does not fit `kind`.
    """
    if not Path(path).is_file():
        raise ConfigError("There is no such recipe", received=str(path))
    return parse(kind, ["--config", str(path)])[0]


def flat(settings: Mapping[str, Any], depth: int = 1) -> dict[str, Any]:
    """Nested settings by dotted keys, opened to `depth` levels of nesting.

    >>> flat({"data": {"root": None, "settings": {"length": 2}}, "seed": 0})
    {'data.root': None, 'data.settings': {'length': 2}, 'seed': 0}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and depth > 0:
            found.update({f"{key}.{k}": v for k, v in flat(value, depth - 1).items()})
        else:
            found[key] = value
    return found


def _keys(parser: Any) -> list[str]:
    return sorted(action.dest for action in parser._actions if action.dest not in ("help",))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())


def _hint(message: str, known: Sequence[str]) -> str | None:
    """The nearest known key to the one that the message complains of."""
    for word in re.findall(r"--([\w.]+)|[\"']([\w.]+)[\"']", message):
        given = word[0] or word[1]
        if given in known:
            continue
        last = given.rsplit(".", 1)[-1]
        by_last = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
        close = difflib.get_close_matches(given, known, n=1)
        close = close or [by_last[key] for key in difflib.get_close_matches(last, by_last, n=1)]
        if close:
            return f"did you mean {close[0]!r}?"
    return "--help lists all settings"
