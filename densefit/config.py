"""Typed settings: YAML recipes and dotted overrides parsed into a dataclass, strictly."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, get_args, runtime_checkable

import jsonargparse

from densefit.errors import ConfigError
from densefit.yaml_files.document import Document, load
from densefit.yaml_files.hints import hints_of
from densefit.yaml_files.messages import plain
from densefit.yaml_files.parser import defaults_replaced, parser_of
from densefit.yaml_files.paths import join_flags
from densefit.yaml_files.recipe import (
    check_words,
    hint_of,
    location_in,
    recipes_in,
    restore_texts,
    takes_text,
)
from densefit.yaml_files.words import dump

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
    `--print_config` prints the result and exits. Keys are never abbreviated. Inside a dict,
    `--heads.kind.channels 8` changes one key at any depth and keeps the others; such keys are
    applied after all others.

    Args:
        kind: a dataclass, nested dataclasses allowed; its docstring becomes the help.
        arguments: arguments to parse; by default, the program's command line.
        description: first lines of the help.
        defaults: dotted key -> value that replaces the dataclass's default.
        positional: a field of `kind`, a list of strings, that is passed without a `--key`.

    Returns:
        The instance, and all settings as YAML.

    Raises:
        ConfigError: an unknown key (with the nearest known one) or a value of another type.
    """
    parser = parser_of(cast(Any, kind), description, positional)
    recipes: list[Document] = []
    try:
        words = join_flags(sys.argv[1:] if arguments is None else arguments, kind)
        shallow, deep = _split(words, _keys(parser), kind)
        for key, value in _pairs(shallow):
            hint = hint_of(kind, key)
            if hint is not None:
                check_words(_value_of(value, hint, key), hint, key, lambda key: f"--{key}")
        shallow, recipes = recipes_in(shallow, kind)
        prints_config = "--print_config" in shallow
        if prints_config:
            shallow.remove("--print_config")
        with defaults_replaced(parser, defaults or {}):
            namespace = parser.parse_args(shallow)
        for key, path, value in deep:
            fields = _dataclass_fields(kind, key)
            if fields:
                _check_known(path[0], namespace[key] or {}, key, "no {} with settings to change")
                _check_known(path[1], fields, f"{key}.{path[0]}", "no setting {}")
            namespace[key] = _with(namespace[key], path, value, key)
    except (argparse.ArgumentError, jsonargparse.ArgumentError, KeyError) as error:
        reason = _reason(error)
        where = _where(reason, arguments, recipes)
        what, expected, received = plain(reason, partial(hint_of, kind))
        fix = _hint(str(error), _keys(parser)) if expected is None else None
        raise ConfigError(
            what, expected=expected, received=received, where=where, fix=fix
        ) from error
    try:
        instances = parser.instantiate_classes(namespace)
    except (ValueError, TypeError) as error:  # deep keys are not checked by the parser
        changed = [f"--{'.'.join([key, *path])} {value}" for key, path, value in deep]
        raise ConfigError(
            "A value does not fit its setting", received=_reason(error), where=", ".join(changed)
        ) from error
    settings = kind(**{key: value for key, value in vars(instances).items() if key != "config"})
    _check_not_null(settings, recipes)
    names = {argument[2:].partition("=")[0] for argument in words if argument[:2] == "--"}
    named_in_recipes = names.union(*(recipe.lines for recipe in recipes))
    for key, value in (defaults or {}).items():
        nested = _nested(key, value)
        restore_texts(
            settings, nested, kind, "", names.union(*(recipe.lines for recipe in recipes))
        )
    for recipe in recipes:
        restore_texts(settings, recipe.value, kind, "", names)
    pairs = list(_pairs(words))
    for index, (key, text) in enumerate(pairs):
        later = {name for name, _ in pairs[index + 1 :]}
        restore_texts(settings, _nested(key, _as_value(text)), kind, "", later)
    if isinstance(settings, Adjusted):
        settings.adjust(named_in_recipes)
    text = dump(dataclasses.asdict(settings))  # type: ignore[call-overload]
    if prints_config:
        print(text, end="")
        raise SystemExit(0)
    return settings, text


@runtime_checkable
class Adjusted(Protocol):
    """Settings whose defaults depend on other settings."""

    def adjust(self, named: Set[str]) -> None:
        """Change defaults.

        Args:
            named: dotted keys that the user has set.
        """


def _check_not_null(settings: Any, recipes: Sequence[Document], prefix: str = "") -> None:
    """Raise ConfigError if a setting is null that needs a value."""
    hints = hints_of(type(settings))
    for field in dataclasses.fields(settings):
        value, key = getattr(settings, field.name), f"{prefix}{field.name}"
        if dataclasses.is_dataclass(value):
            _check_not_null(value, recipes, f"{key}.")
        elif value is None and type(None) not in get_args(hints[field.name]):
            raise ConfigError(
                f"The setting {key!r} has no value",
                received="null",
                where=location_in(f"'{key}'", recipes),
                fix="leave it out for its default",
            )


def read(kind: type[T], path: str | Path) -> T:
    """Read settings from a YAML file, e.g. of a run folder.

    Raises:
        ConfigError: the file is missing, or does not fit `kind`.
    """
    return parse(kind, ["--config", str(path)])[0]


def flat(settings: Mapping[str, Any], depth: int = 1) -> dict[str, Any]:
    """Flatten nested settings to dotted keys, down to `depth` levels of nesting.

    >>> flat({"data": {"root": None, "settings": {"length": 2}}, "seed": 0})
    {'data.root': None, 'data.settings': {'length': 2}, 'seed': 0}
    """
    flattened: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and depth > 0:
            flattened.update({f"{key}.{k}": v for k, v in flat(value, depth - 1).items()})
        else:
            flattened[key] = value
    return flattened


def _where(reason: str, arguments: Sequence[str] | None, recipes: Sequence[Document]) -> str | None:
    """Locate the setting that a message names: on the command line or in a recipe."""
    if reason.startswith("unrecognized arguments"):
        return "the command line"
    typed_arguments = list(sys.argv[1:] if arguments is None else arguments)
    keys = {
        argument[2:].partition("=")[0] for argument in typed_arguments if argument.startswith("--")
    }
    words = re.findall(r"(?:[\"']|argument --)([\w.]+)", reason)
    typed = next((word for word in words if word in keys), None)
    if typed is None:
        return location_in(reason, recipes)
    replaced = location_in(f"'{typed}'", recipes) or ""
    return f"--{typed}, in place of {replaced}" if ", line " in replaced else f"--{typed}"


def _keys(parser: Any) -> list[str]:
    return sorted(action.dest for action in parser._actions if action.dest not in ("help",))


def _split(
    arguments: Sequence[str], keys: Sequence[str], kind: type
) -> tuple[list[str], list[tuple[str, list[str], str]]]:
    """Separate arguments for keys deep inside a dict: (other arguments, (dict, path, value)).

    jsonargparse would parse `--heads.kind.channels 8` as a new dict {"kind": {"channels": 8}}, and
    drop the kind's other settings from a recipe. It keeps them one level deep, and two levels deep
    in dicts of dataclasses.
    """
    shallow: list[str] = []
    deep: list[tuple[str, list[str], str]] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument[2:].partition("=")
        inside = [key for key in keys if argument == f"--{key}" or name.startswith(f"{key}.")]
        path = name[len(max(inside, key=len)) + 1 :].split(".") if inside else []
        least = 3 if inside and _dataclass_fields(kind, max(inside, key=len)) else 2
        if not argument.startswith("--") or name in keys or len(path) < 1:
            shallow.append(argument)
            continue
        text = value if equals else next(rest, None)
        if text is not None and len(path) < least and not path[0].isdecimal():
            _read_value(text, name)  # the parser would read an ambiguous value as a string
            shallow += [f"{argument}"] if equals else [argument, text]
            continue
        if text is None:
            shallow.append(argument)  # the parser raises the error
        else:
            deep.append((max(inside, key=len), path, text))
    return shallow, deep


def _dataclass_fields(kind: type, key: str) -> list[str]:
    """Return the fields of the dataclass that are values of a dotted key's dict; else empty."""
    hint: Any = kind
    for name in key.split("."):
        hint = hints_of(hint).get(name) if dataclasses.is_dataclass(hint) else None
    kinds = [option for option in get_args(hint) if dataclasses.is_dataclass(option)]
    return [field.name for field in dataclasses.fields(kinds[0])] if kinds else []


def _check_known(name: str, known_names: Iterable[str], where: str, what: str) -> None:
    """Raise ConfigError unless a part of a dotted key is known."""
    names = list(known_names)
    if name not in names:
        raise ConfigError(
            f"There is {what.format(f'{where}.{name}')}",
            fix=_hint(f"--{where}.{name}", [f"{where}.{known_name}" for known_name in names]),
        )


def _with(settings: Any, path: Sequence[str], value: str, where: str) -> Any:
    """Return a copy of a dict with one nested value changed.

    A nested namespace of the parser accepts only its own keys.
    """
    if isinstance(settings, jsonargparse.Namespace):
        changed = settings.clone()
        changed[path[0]] = _with(settings.get(path[0]), path[1:], value, f"{where}.{path[0]}")
        return changed
    if isinstance(settings, list):
        return _with_item(settings, path, value, where)
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(
            f"The setting {where!r} has no keys",
            expected=f"a dict with the key {path[0]!r}",
            received=repr(settings),
        )
    entries = dict(settings or {})
    if len(path) == 1:
        entries[path[0]] = _read_value(value, f"{where}.{path[0]}")
    else:
        entries[path[0]] = _with(entries.get(path[0]), path[1:], value, f"{where}.{path[0]}")
    return entries


def _with_item(settings: Sequence[Any], path: Sequence[str], value: str, where: str) -> list[Any]:
    """Return a copy of a list with one item, or a value in it, changed."""
    count = len(settings)
    if not path[0].isdecimal() or int(path[0]) >= count:
        raise ConfigError(
            f"The list {where} has no item {path[0]}",
            expected=f"0 to {count - 1}" if count else "a list that has items",
            received=f"--{where}.{'.'.join(path)} {value}",
        )
    index, key = int(path[0]), f"{where}.{path[0]}"
    if len(path) == 1:
        changed = _read_value(value, key)
    else:
        changed = _with(settings[index], path[1:], value, key)
    return [*settings[:index], changed, *settings[index + 1 :]]


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a command line that have a value, with the value."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument[2:].partition("=")
        if not equals:
            value = next(iter(arguments[index + 1 :]), "--")
        if argument.startswith("--") and not value.startswith("--"):
            yield name, value


def _nested(key: str, value: Any) -> Any:
    """Wrap a value into nested dicts by its dotted key."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def _as_value(text: str) -> Any:
    try:
        return load(text)
    except ConfigError:
        return text


def _value_of(text: str, hint: Any, key: str) -> Any:
    """Parse the value of a setting; strings stay strings where the setting allows them."""
    if text.lstrip().startswith(("{", "[")) and not takes_text(hint):
        return _read_value(text, f"--{key}")  # the parser's message would lack the YAML error
    return _as_value(text)


def _read_value(text: str, key: str) -> Any:
    """Parse a value on the command line."""
    try:
        return load(text)
    except ConfigError as error:
        raise ConfigError(
            f"The value of {key} is not clear: {error.what}", received=repr(text), fix=error.fix
        ) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())


def _hint(message: str, keys: Sequence[str]) -> str | None:
    """Return a hint with the known key nearest to the one that the message names."""
    for word in re.findall(r"--([\w.]+)|[\"']([\w.]+)[\"']", message):
        key = word[0] or word[1]
        if key in keys:
            continue
        last = key.rsplit(".", 1)[-1]
        by_last = {key.rsplit(".", 1)[-1]: key for key in reversed(keys)}
        close = [by_last[last]] if last in by_last else difflib.get_close_matches(key, keys, n=1)
        close = close or [by_last[key] for key in difflib.get_close_matches(last, by_last, n=1)]
        if close:
            return f"did you mean {close[0]!r}?"
    return "--help lists all settings"
