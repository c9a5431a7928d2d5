"""The recipes that a command line names, checked before the parser sees them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence, Set
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from densefit.errors import ConfigError
from densefit.yaml_document import Document, load, read_document
from densefit.yaml_words import dump, meaning


def recipes_in(arguments: Sequence[str], kind: type) -> tuple[list[str], list[Document]]:
    """Arguments with the text of each recipe in place of its file, and the recipes."""
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
        recipe = Document(path) if path.lstrip().startswith("{") else read_document(path)
        _check_recipe(recipe, kind)
        recipes.append(recipe)
        # The parser would take a path in a recipe for a further file, and print that.
        changed += ["--config", dump(recipe.value)]
    return changed, recipes


def _check_recipe(recipe: Document, kind: type) -> None:
    """Raise ConfigError unless a recipe is a mapping, and so is each of its groups."""
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
    """Raise ConfigError if a setting that has settings is none of these."""
    for name, hint in get_type_hints(kind).items():
        if name in value and isinstance(hint, type) and dataclasses.is_dataclass(hint):
            key, inner = f"{prefix}{name}", value[name]
            if not isinstance(inner, Mapping):
                raise ConfigError(
                    f"The setting {key!r} has settings of its own",
                    expected=", ".join(f"{one.name}: ..." for one in dataclasses.fields(hint)[:3]),
                    received=_short(inner),
                    where=recipe.where_of(key),
                )
            _check_groups(recipe, inner, hint, f"{key}.")


def hint_of(kind: type, key: str) -> Any:
    """The type of a dotted key's value; None if it has none."""
    hint: Any = kind
    for name in key.split("."):
        hint = get_type_hints(hint).get(name) if dataclasses.is_dataclass(hint) else None
    return hint


def check_words(value: Any, hint: Any, key: str, where: Callable[[str], str | None]) -> None:
    """Raise ConfigError where a number or a switch is a text that is none, or the other way.

    The parser reads texts once more, as YAML 1.1: 1:30 would be 90. On the command line it puts
    the whole dict, as a text, in place of a number among texts.

    Args:
        value: of a setting.
        hint: its type.
        key: its dotted key.
        where: says where a key is given.
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
                expected=getattr(hint, "__name__", str(hint)),
                received=repr(value),
                where=where(key),
            )
        return
    for name, inner, inner_hint in _parts(value, hint):
        place = f"{key}.{name}" if key else str(name)
        if not isinstance(name, str) and isinstance(value, Mapping) and _takes_names(hint):
            raise _no_text(f"The name {name!r} in {key}", name, where(key))
        if _is_text(inner_hint) and not isinstance(inner, (str, type(None))):
            raise _no_text(f"The value of {place}", inner, where(place))
        check_words(inner, inner_hint, place, where)


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
    """Whether a setting of this type may be a text and, but for null, nothing else."""
    return {*_options(hint), type(None)} == {str, type(None)}


def _takes_names(hint: Any) -> bool:
    """Whether the keys of a dict are names that are no settings."""
    return any(
        get_origin(one) is dict and get_args(one)[0] is str and get_args(one)[1] is not Any
        for one in _options(hint)
    )


def restore_texts(found: Any, value: Any, hint: Any, key: str, changed: Set[str]) -> Any:
    """The parser's result with the recipe's texts where it took them for something else.

    It reads the texts in free settings once more, with quotes or without: "5" would be 5.

    Args:
        found: what the parser made of `value`; changed in place as far as it can be.
        value: of the recipe.
        hint: its type.
        key: its dotted key.
        changed: keys that the command line gives.
    """
    if key in changed:
        return found
    if isinstance(value, str):
        if hint is not Any or found == value:
            return found
        if isinstance(found, str):  # of the command line, with its quotes
            return value if _as_text(found) == dump(value) else found
        return value if _as_text(found) == _as_text(value) else found
    for name, inner, inner_hint in _parts(value, hint):
        place = f"{key}.{name}" if key else str(name)
        if dataclasses.is_dataclass(found) and hasattr(found, str(name)):
            own = getattr(found, name)
            setattr(found, name, restore_texts(own, inner, inner_hint, place, changed))
        elif isinstance(found, (dict, list)):
            try:
                found[name] = restore_texts(found[name], inner, inner_hint, place, changed)
            except (LookupError, TypeError):
                continue  # another recipe has something else there
    return found


def _as_text(value: Any) -> str:
    """A value, or what a text stands for, in one form that can be compared."""
    try:
        return dump(load(value) if isinstance(value, str) else value)
    except ConfigError:
        return ""


def takes_text(hint: Any) -> bool:
    """Whether a setting of this type may be a text."""
    options = _options(hint)
    return any(option in (str, Any, object) for option in options)


def _parts(value: Any, hint: Any) -> list[tuple[Any, Any, Any]]:
    """(key, value, type) of what lies in a value, as far as its type says."""
    options = _options(hint)
    for option in options:
        origin, inner = get_origin(option), get_args(option)
        if isinstance(value, Mapping):
            if dataclasses.is_dataclass(option):
                hints = get_type_hints(option)
                return [(k, v, hints[k]) for k, v in value.items() if k in hints]
            if origin is dict:
                return [(k, v, inner[1]) for k, v in value.items()]
        elif isinstance(value, list) and origin in (list, tuple) and inner:
            each = list(inner) if origin is tuple and inner[-1] is not ... else [inner[0]]
            return [(i, v, each[min(i, len(each) - 1)]) for i, v in enumerate(value)]
    return []


def place(message: str, recipes: Sequence[Document]) -> str | None:
    """The file and line of the setting that a message complains of."""
    words = re.findall(r"[\"']([\w.]+)[\"']", message)
    for key in [".".join(words), *reversed(words)]:  # "Group 'data' does not accept 'rot'"
        for recipe in reversed(recipes):
            own = [k for k in recipe.lines if k == key or k.endswith(f".{key}")]
            if own:
                return recipe.where_of(own[0])
    return ", ".join(str(recipe.name) for recipe in recipes if recipe.name) or None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
