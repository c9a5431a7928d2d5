"""Typed settings: YAML recipes and dotted overrides into a dataclass, unknown keys refused."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import jsonargparse
import yaml

from densefit.errors import ConfigError

T = TypeVar("T")


def parse(
    kind: type[T], arguments: Sequence[str] | None = None, *, description: str = ""
) -> tuple[T, str]:
    """Read settings of the dataclass `kind` from a command line.

    `--config FILE` reads a YAML recipe, `--a.b value` overrides one key, later wins;
    `--print_config` shows the result and ends the program.

    Args:
        kind: a dataclass, nested dataclasses allowed; its docstring becomes the help.
        arguments: the command line; that of the program by default.
        description: first lines of the help.

    Returns:
        The instance, and the whole of the settings as YAML.

    Raises:
        ConfigError: an unknown key (with the nearest known one) or a value of another type.
    """
    parser = jsonargparse.ArgumentParser(description=description, exit_on_error=False)
    parser.add_argument("--config", action="config", help="a YAML recipe")
    parser.add_class_arguments(kind, as_group=True)
    try:
        namespace = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    except (argparse.ArgumentError, jsonargparse.ArgumentError) as error:
        raise ConfigError(_reason(error), fix=_hint(str(error), _keys(parser))) from error
    made = parser.instantiate_classes(namespace)
    values = {key: value for key, value in vars(made).items() if key != "config"}
    text = parser.dump(namespace, skip_none=False)
    plain = yaml.safe_load(text)
    plain.pop("config", None)
    return kind(**values), yaml.safe_dump(plain, sort_keys=False)


def read(kind: type[T], path: str | Path) -> T:
    """The settings in a YAML file (what a run folder keeps)."""
    if not Path(path).is_file():
        raise ConfigError("There is no such recipe", received=str(path))
    return parse(kind, ["--config", str(path)])[0]


def _keys(parser: Any) -> list[str]:
    return sorted(action.dest for action in parser._actions if action.dest not in ("help",))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())


def _hint(message: str, known: Sequence[str]) -> str | None:
    """The nearest known key to the one that the message complains of."""
    for word in re.findall(r"--([\w.]+)|[\"']([\w.]+)[\"']", message):
        given = word[0] or word[1]
        close = difflib.get_close_matches(given, known, n=1) or difflib.get_close_matches(
            given.rsplit(".", 1)[-1], [key.rsplit(".", 1)[-1] for key in known], n=1
        )
        if given not in known and close:
            return f"did you mean {close[0]!r}?"
    return "--help lists all settings"
