"""Typed settings: YAML recipes and dotted overrides into a dataclass, unknown keys refused."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args, get_type_hints, runtime_checkable

import jsonargparse

from densefit.errors import ConfigError
from densefit.recipe_file import check_words, hint_of, place, recipes_in, restore_texts, takes_text
from densefit.yaml_document import Document, load
from densefit.yaml_words import dump

T = TypeVar("T")

# Values on the command line are read as those of recipes are, and written as they are read.
_MODE = "densefit"
jsonargparse.set_loader(_MODE, load, exceptions=(ConfigError,))
jsonargparse.set_dumper(_MODE, dump)


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
        description=description, exit_on_error=False, allow_abbrev=False, parser_mode=_MODE
    )
    parser.add_argument("--config", action="config", help="a YAML recipe")
    if positional is not None:
        said = re.search(rf"^\s*{positional}: (.*)$", kind.__doc__ or "", re.MULTILINE)
        help_text = said.group(1) if said else None
        parser.add_argument(positional, nargs="*", type=str, default=[], help=help_text)
    parser.add_class_arguments(kind, as_group=True, skip={positional} if positional else set())
    recipes: list[Document] = []
    try:
        if defaults:
            parser.set_defaults(dict(defaults))
        given = list(sys.argv[1:] if arguments is None else arguments)
        shallow, deep = _split(given, _keys(parser), kind)
        for key, value in _pairs(shallow):
            hint = hint_of(kind, key)
            if hint is not None:
                check_words(_value_of(value, hint, key), hint, key, lambda key: f"--{key}")
        shallow, recipes = recipes_in(shallow, kind)
        shown = "--print_config" in shallow
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
        reason = _reason(error)
        where = _where(reason, arguments, recipes)
        raise ConfigError(reason, where=where, fix=_hint(str(error), _keys(parser))) from error
    try:
        made = parser.instantiate_classes(namespace)
    except (ValueError, TypeError) as error:  # the parser has not seen the deep ones
        changed = [f"--{'.'.join([key, *path])} {value}" for key, path, value in deep]
        raise ConfigError(
            "A value does not fit its setting", received=_reason(error), where=", ".join(changed)
        ) from error
    found = kind(**{key: value for key, value in vars(made).items() if key != "config"})
    _check_given(found, recipes)
    names = {argument[2:].partition("=")[0] for argument in given if argument[:2] == "--"}
    for key, value in (defaults or {}).items():
        nested = _nested(key, value)
        restore_texts(found, nested, kind, "", names.union(*(recipe.lines for recipe in recipes)))
    for recipe in recipes:
        restore_texts(found, recipe.value, kind, "", names)
    pairs = list(_pairs(given))
    for index, (key, text) in enumerate(pairs):
        later = {name for name, _ in pairs[index + 1 :]}
        restore_texts(found, _nested(key, _as_value(text)), kind, "", later)
    if isinstance(found, Adjusted):
        found.adjust(names.union(*(recipe.lines for recipe in recipes)))
    text = dump(dataclasses.asdict(found))  # type: ignore[call-overload]
    if shown:
        print(text, end="")
        raise SystemExit(0)
    return found, text


@runtime_checkable
class Adjusted(Protocol):
    """Settings whose defaults depend on other settings."""

    def adjust(self, given: Set[str]) -> None:
        """Change defaults.

        Args:
            given: dotted keys that the user wrote.
        """


def _check_given(settings: Any, recipes: Sequence[Document], prefix: str = "") -> None:
    """Raise ConfigError where there is no value for a setting that needs one."""
    hints = get_type_hints(type(settings))
    for one in dataclasses.fields(settings):
        value, key = getattr(settings, one.name), f"{prefix}{one.name}"
        if dataclasses.is_dataclass(value):
            _check_given(value, recipes, f"{key}.")
        elif value is None and type(None) not in get_args(hints[one.name]):
            raise ConfigError(
                f"The setting {key!r} has no value",
                received="null",
                where=place(f"'{key}'", recipes),
                fix="leave it out for its default",
            )


def read(kind: type[T], path: str | Path) -> T:
    """The settings in a YAML file (what a run folder keeps).

    Raises:
        ConfigError: there is no such file, or it does not fit `kind`.
    """
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


def _where(reason: str, arguments: Sequence[str] | None, recipes: Sequence[Document]) -> str | None:
    """Where the setting stands that a message complains of: on the command line, in a recipe."""
    if reason.startswith("unrecognized arguments"):
        return "the command line"
    given = list(sys.argv[1:] if arguments is None else arguments)
    keys = {argument[2:].partition("=")[0] for argument in given if argument.startswith("--")}
    words = re.findall(r"(?:[\"']|argument --)([\w.]+)", reason)
    typed = next((word for word in words if word in keys), None)
    if typed is None:
        return place(reason, recipes)
    replaced = place(f"'{typed}'", recipes) or ""
    return f"--{typed}, in place of {replaced}" if ", line " in replaced else f"--{typed}"


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
        if not argument.startswith("--") or name in known or len(path) < 1:
            shallow.append(argument)
            continue
        given = value if equals else next(rest, None)
        if given is not None and len(path) < least:
            _read_value(given, name)  # the parser would take what is not clear for a text
            shallow += [f"{argument}"] if equals else [argument, given]
            continue
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
        found[path[0]] = _read_value(value, f"{where}.{path[0]}")
    else:
        found[path[0]] = _with(found.get(path[0]), path[1:], value, f"{where}.{path[0]}")
    return found


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The keys and values of a command line, as far as a key has one."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument[2:].partition("=")
        if not equals:
            value = next(iter(arguments[index + 1 :]), "--")
        if argument.startswith("--") and not value.startswith("--"):
            yield name, value


def _nested(key: str, value: Any) -> Any:
    """The value of a dotted key as dicts in one another."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def _as_value(text: str) -> Any:
    try:
        return load(text)
    except ConfigError:
        return text


def _value_of(text: str, hint: Any, key: str) -> Any:
    """What a text for a setting stands for; of one that takes texts, perhaps itself."""
    if text.lstrip().startswith(("{", "[")) and not takes_text(hint):
        return _read_value(text, f"--{key}")  # the parser would say only that it is no dict
    return _as_value(text)


def _read_value(text: str, key: str) -> Any:
    """What a text on the command line stands for."""
    try:
        return load(text)
    except ConfigError as error:
        raise ConfigError(
            f"The value of {key} is not clear: {error.what}", received=repr(text), fix=error.fix
        ) from error


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
