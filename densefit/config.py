"""Typed settings: YAML recipes and dotted overrides into a dataclass, unknown keys refused."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

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
    `--print_config` shows the result and ends the program. Keys are never abbreviated. Inside of a
    dict, `--heads.kind.channels 8` changes one key, however deep, and leaves its neighbours; such
    keys come after all others.

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
        given = list(sys.argv[1:] if arguments is None else arguments)
        shallow, deep = _split(given, _keys(parser), kind)
        shown = "--print_config" in shallow and bool(deep)  # else the parser shows it
        if shown:
            shallow.remove("--print_config")
        namespace = parser.parse_args(shallow)
        for key, path, value in deep:
            fields = _dataclass_fields(kind, key)
            if fields:
                _check_known(path[0], namespace[key] or {}, key, "no {} with settings to change")
                _check_known(path[1], fields, f"{key}.{path[0]}", "no setting {}")
            namespace[key] = _with(namespace[key], path, value, key)
    except (argparse.ArgumentError, jsonargparse.ArgumentError, KeyError) as error:
        raise ConfigError(_reason(error), fix=_hint(str(error), _keys(parser))) from error
    try:
        made = parser.instantiate_classes(namespace)
        text = parser.dump(namespace, skip_none=False)
    except (ValueError, TypeError) as error:  # the parser has not seen the deep ones
        changed = [f"--{'.'.join([key, *path])} {value}" for key, path, value in deep]
        raise ConfigError(
            "A value does not fit its setting", received=_reason(error), where=", ".join(changed)
        ) from error
    values = {key: value for key, value in vars(made).items() if key != "config"}
    plain = yaml.safe_load(text)
    plain.pop("config", None)
    if shown:
        print(yaml.safe_dump(plain, sort_keys=False), end="")
        raise SystemExit(0)
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


def _split(
    arguments: Sequence[str], known: Sequence[str], kind: type
) -> tuple[list[str], list[tuple[str, list[str], str]]]:
    """Arguments without those for a key deep inside a dict, and these: (dict, path, value).

    jsonargparse would take `--heads.kind.channels 8` for a new dict {"kind": {"channels": 8}}, and
    lose what else a file says of the kind. One level deep it keeps the neighbours itself, and so it
    does two levels deep in dicts of dataclasses.
    """
    shallow: list[str] = []
    deep: list[tuple[str, list[str], str]] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument[2:].partition("=")
        inside = [key for key in known if argument == f"--{key}" or name.startswith(f"{key}.")]
        path = name[len(max(inside, key=len)) + 1 :].split(".") if inside else []
        least = 3 if inside and _dataclass_fields(kind, max(inside, key=len)) else 2
        if not argument.startswith("--") or name in known or len(path) < least:
            shallow.append(argument)
            continue
        given = value if equals else next(rest, None)
        if given is None:
            shallow.append(argument)  # the parser says what is wrong
        else:
            deep.append((max(inside, key=len), path, given))
    return shallow, deep


def _dataclass_fields(kind: type, key: str) -> list[str]:
    """The fields of the dataclasses that a dotted key's dict has as values; none if it is none."""
    hint: Any = kind
    for name in key.split("."):
        hint = get_type_hints(hint).get(name) if dataclasses.is_dataclass(hint) else None
    found = [one for one in get_args(hint) if dataclasses.is_dataclass(one)]
    return [one.name for one in dataclasses.fields(found[0])] if found else []


def _check_known(name: str, known: Iterable[str], where: str, what: str) -> None:
    """Raise ConfigError unless a part of a dotted key is one of those that are there."""
    names = list(known)
    if name not in names:
        raise ConfigError(
            f"There is {what.format(f'{where}.{name}')}",
            fix=_hint(f"--{where}.{name}", [f"{where}.{one}" for one in names]),
        )


def _with(settings: Any, path: Sequence[str], value: str, where: str) -> Any:
    """A dict with one value inside changed, copied as far as it changes.

    A dataclass of the parser's, inside of it, takes the keys that it has.
    """
    if isinstance(settings, jsonargparse.Namespace):
        changed = settings.clone()
        changed[path[0]] = _with(settings.get(path[0]), path[1:], value, f"{where}.{path[0]}")
        return changed
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(
            f"The setting {where!r} has no keys",
            expected=f"a dict with the key {path[0]!r}",
            received=repr(settings),
        )
    found = dict(settings or {})
    if len(path) == 1:
        try:
            found[path[0]] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(
                f"The value of {where}.{path[0]} is not YAML", received=repr(value)
            ) from error
    else:
        found[path[0]] = _with(found.get(path[0]), path[1:], value, f"{where}.{path[0]}")
    return found


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
