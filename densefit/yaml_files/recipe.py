"""Recipes named on a command line, checked before they are parsed."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, Sequence, Set
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from densefit.errors import ConfigError
from densefit.yaml_files.document import Document, load, read_document
from densefit.yaml_files.hints import hints_of
from densefit.yaml_files.messages import kind_text
from densefit.yaml_files.paths import resolve_files
from densefit.yaml_files.sizes import expand_sizes
from densefit.yaml_files.words import dump, meaning

CONFIGS = Path(__file__).parents[1] / "configs"  # recipes that are installed with densefit


def recipes_in(arguments: Sequence[str], kind: type) -> tuple[list[str], list[Document]]:
    """Replace recipe files in the arguments by their text; returns (arguments, recipes)."""
    changed: list[str] = []
    recipes: list[Document] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, path = argument.partition("=")
        if name != "--config":
            changed.append(argument)
            continue
        if not equals:
            path = next(rest, "")
        if not path or path.startswith("--"):
            raise ConfigError("--config names no recipe", fix="--config RECIPE.yaml")
        is_text = path.lstrip().startswith("{")
        recipe = Document(path) if is_text else read_document(recipe_path(path))
        if isinstance(recipe.value, dict):
            expand_sizes(recipe.value, kind)
        _check_recipe(recipe, kind)
        resolve_files(recipe, kind)
        recipes.append(recipe)
        # The parser would read a path in a recipe as another file, and print its content.
        changed += ["--config", dump(recipe.value)]
    return changed, recipes


def recipe_path(path: str) -> str:
    """A recipe's file; where it is missing, the one that is installed with densefit.

    Args:
        path: a file; `NAME` or `configs/NAME.yaml` for an installed one.

    Raises:
        ConfigError: there is no recipe of this name.
    """
    if Path(path).exists():
        return path
    folder, name = os.path.split(path)
    if folder not in ("", "configs"):
        return path
    installed = {file.stem: str(file) for file in sorted(CONFIGS.glob("*.yaml"))}
    name = name.removesuffix(".yaml")
    if name in installed:
        return installed[name]
    similar = get_close_matches(name, installed, 1)
    raise ConfigError(
        "There is no such recipe",
        expected=f"a file, or an installed one: {', '.join(installed)}",
        received=path,
        fix=f"--config {similar[0]}" if similar else None,
    )


def _check_recipe(recipe: Document, kind: type) -> None:
    """Raise ConfigError unless a recipe and each of its groups are mappings."""
    if not isinstance(recipe.value, Mapping):
        raise ConfigError(
            "A recipe has settings: `name: value`",
            received=_short(recipe.value),
            where=recipe.where(),
        )
    for key in recipe.value:
        line = recipe.where_of(str(key))
        if not isinstance(key, str):
            raise ConfigError("The name of a setting is a text", received=repr(key), where=line)
        if key in ("config", "print_config", "help"):
            raise ConfigError(
                f"{key} is no setting of a recipe",
                where=line,
                fix=f"leave it out; --{key} is for the command line",
            )
        first, dot, _ = key.partition(".")
        if dot and first in recipe.value:
            raise ConfigError(
                f"The setting {first!r} is given twice, once with a dot",
                received=f"{first} and {key}",
                where=line,
                fix=f"write both below {first}",
            )
    _check_groups(recipe, recipe.value, kind, "")
    check_words(recipe.value, kind, "", recipe.where_of)


def _check_groups(recipe: Document, value: Mapping[str, Any], kind: type, prefix: str) -> None:
    """Raise ConfigError if a group of settings is not a mapping."""
    for name, hint in hints_of(kind).items():
        if name in value and isinstance(hint, type) and dataclasses.is_dataclass(hint):
            key, inner = f"{prefix}{name}", value[name]
            if not isinstance(inner, Mapping):
                raise ConfigError(
                    f"The setting {key!r} has settings of its own",
                    expected=", ".join(
                        f"{field.name}: ..." for field in dataclasses.fields(hint)[:3]
                    ),
                    received=_short(inner),
                    where=recipe.where_of(key),
                )
            _check_groups(recipe, inner, hint, f"{key}.")


def hint_of(kind: type, key: str) -> Any:
    """Return the type of a dotted key's value; None if unknown."""
    hint: Any = kind
    for name in key.split("."):
        hint = hints_of(hint).get(name) if dataclasses.is_dataclass(hint) else None
    return hint


def check_words(value: Any, hint: Any, key: str, where: Callable[[str], str | None]) -> None:
    """Raise ConfigError if a string stands for a number or switch, or the other way round.

    The parser reads strings once more, as YAML 1.1: 1:30 would be 90. On the command line it
    replaces a number among strings by the whole dict as a string.

    Args:
        value: value of a setting.
        hint: type of the setting.
        key: dotted key of the setting.
        where: returns the location of a key.
    """
    if isinstance(value, str):
        if takes_text(hint):
            return
        try:
            plain = isinstance(meaning(value), str)
        except ConfigError as error:
            raise ConfigError(error.what, received=value, where=where(key), fix=error.fix) from None
        if plain and not value.lstrip().startswith(("[", "{", "-")):
            raise ConfigError(
                f"The value of {key} is a text",
                expected=kind_text(hint),
                received=repr(value),
                where=where(key),
            )
        return
    for name, inner, inner_hint in _parts(value, hint):
        location = f"{key}.{name}" if key else str(name)
        if not isinstance(name, str) and isinstance(value, Mapping) and _takes_names(hint):
            raise _no_text(f"The name {name!r} in {key}", name, where(key))
        if _is_text(inner_hint) and not isinstance(inner, (str, type(None))):
            raise _no_text(f"The value of {location}", inner, where(location))
        check_words(inner, inner_hint, location, where)


def _no_text(what: str, value: Any, where: str | None) -> ConfigError:
    is_word = isinstance(value, (bool, int, float))
    word = str(value).lower() if isinstance(value, bool) else value
    return ConfigError(
        f"{what} is no text",
        expected="a text",
        received=_short(value),
        where=where,
        fix=f'"{word}", with quotes' if is_word else None,
    )


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_text(hint: Any) -> bool:
    """Return whether a type allows only strings, and perhaps null."""
    return {*_options(hint), type(None)} == {str, type(None)}


def _takes_names(hint: Any) -> bool:
    """Return whether a dict's keys are free names, not settings."""
    return any(
        get_origin(option) is dict and get_args(option)[0] is str and get_args(option)[1] is not Any
        for option in _options(hint)
    )


def restore_texts(parsed: Any, value: Any, hint: Any, key: str, changed: Set[str]) -> Any:
    """Restore a recipe's strings in the parser's result, where it converted them.

    The parser reads strings in free settings once more, quoted or not: "5" would be 5.

    Args:
        parsed: the parser's result for `value`; changed in place where possible.
        value: value in the recipe.
        hint: type of the setting.
        key: dotted key of the setting.
        changed: keys that are set on the command line.
    """
    if key in changed:
        return parsed
    if isinstance(value, str):
        if hint is not Any or parsed == value:
            return parsed
        if isinstance(parsed, str):  # from the command line, with quotes
            return value if _as_text(parsed) == dump(value) else parsed
        return value if _as_text(parsed) == _as_text(value) else parsed
    for name, inner, inner_hint in _parts(value, hint):
        location = f"{key}.{name}" if key else str(name)
        if dataclasses.is_dataclass(parsed) and hasattr(parsed, str(name)):
            attribute = getattr(parsed, name)
            setattr(parsed, name, restore_texts(attribute, inner, inner_hint, location, changed))
        elif isinstance(parsed, (dict, list)):
            try:
                parsed[name] = restore_texts(parsed[name], inner, inner_hint, location, changed)
            except (LookupError, TypeError):
                continue  # another recipe has something else there
    return parsed


def _as_text(value: Any) -> str:
    """Return a value, or the value that a string stands for, in a comparable form."""
    try:
        return dump(load(value) if isinstance(value, str) else value)
    except ConfigError:
        return ""


def takes_text(hint: Any) -> bool:
    """Return whether a type allows strings."""
    options = _options(hint)
    return any(option in (str, Any, object) for option in options)


def _parts(value: Any, hint: Any) -> list[tuple[Any, Any, Any]]:
    """Return (key, value, type) of a value's items, as far as the types are known."""
    options = _options(hint)
    for option in options:
        origin, inner = get_origin(option), get_args(option)
        if isinstance(value, Mapping):
            if dataclasses.is_dataclass(option):
                hints = hints_of(option)
                return [(k, v, hints[k]) for k, v in value.items() if k in hints]
            if origin is dict:
                return [(k, v, inner[1]) for k, v in value.items()]
        elif isinstance(value, list) and origin in (list, tuple) and inner:
            each = list(inner) if origin is tuple and inner[-1] is not ... else [inner[0]]
            return [(i, v, each[min(i, len(each) - 1)]) for i, v in enumerate(value)]
    return []


def location_in(message: str, recipes: Sequence[Document]) -> str | None:
    """Return the file and line of the setting that a message names."""
    words = re.findall(r"[\"']([\w.]+)[\"']", message)
    for key in [".".join(words), *reversed(words)]:  # "Group 'data' does not accept 'rot'"
        for recipe in reversed(recipes):
            keys = [k for k in recipe.lines if k == key or k.endswith(f".{key}")]
            if keys:
                return recipe.where_of(keys[0])
    return ", ".join(str(recipe.name) for recipe in recipes if recipe.name) or None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
