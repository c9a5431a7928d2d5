"""The parser of a dataclass's settings, which is made once a process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import jsonargparse

from densefit.errors import ConfigError
from densefit.yaml_files.document import load
from densefit.yaml_files.words import dump

# The command line uses the same YAML reader and writer as recipes.
_MODE = "densefit"
jsonargparse.set_loader(_MODE, load, exceptions=(ConfigError,))
jsonargparse.set_dumper(_MODE, dump)
_MOST_KEPT = 16  # parsers; a process seldom reads settings of so many kinds


@lru_cache(_MOST_KEPT)
def parser_of(kind: type, description: str, positional: str | None) -> Any:
    """A parser of `--key value` for each field of a dataclass, and of `--config FILE`.

    Half of what a small command line takes to be parsed is the making of the parser.

    Args:
        kind: a dataclass, nested dataclasses allowed; its docstring becomes the help.
        description: first lines of the help.
        positional: a field of `kind`, a list of strings, that is passed without a `--key`.
    """
    parser = jsonargparse.ArgumentParser(
        description=description, exit_on_error=False, allow_abbrev=False, parser_mode=_MODE
    )
    parser.add_argument("--config", action="config", help="a YAML recipe")
    if positional is not None:
        said = re.search(rf"^\s*{positional}: (.*)$", kind.__doc__ or "", re.MULTILINE)
        help_text = said.group(1) if said else None
        parser.add_argument(positional, nargs="*", type=str, default=[], help=help_text)
    parser.add_class_arguments(kind, as_group=True, skip={positional} if positional else set())
    return parser


@contextmanager
def defaults_replaced(parser: Any, defaults: Mapping[str, Any]) -> Iterator[None]:
    """Replace defaults of a parser for a while.

    Args:
        parser: as `parser_of` gives it.
        defaults: dotted key -> value.

    Raises:
        KeyError: the parser has no such key.
    """
    before = [(action, action.default) for action in parser._actions]
    by_key = dict(parser._defaults)
    try:
        parser.set_defaults(dict(defaults))
        yield
    finally:
        for action, default in before:
            action.default = default
        parser._defaults.clear()
        parser._defaults.update(by_key)
