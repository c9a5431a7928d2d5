"""Settings that differ between two recipes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

ABSENT = "not set"


def flat_settings(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings: dotted key -> value; lists stay whole.

    >>> flat_settings({"seed": 0, "training": {"epochs": 2, "callbacks": []}})
    {'seed': 0, 'training.epochs': 2, 'training.callbacks': []}
    """
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        if isinstance(value, Mapping) and value:
            flat.update(flat_settings(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat


def differing_settings(
    recipes: Collection[Mapping[str, Any]], ignored: Collection[str] = ()
) -> dict[str, list[Any]]:
    """Return the settings that are not equal in all recipes: dotted key -> value in each.

    >>> differing_settings([{"seed": 0, "out": "a"}, {"seed": 1, "out": "b"}], ["out"])
    {'seed': [0, 1]}

    Args:
        recipes: settings of each.
        ignored: dotted keys that are not compared.
    """
    flat = [flat_settings(recipe) for recipe in recipes]
    keys = list(dict.fromkeys(key for settings in flat for key in settings if key not in ignored))
    values = {key: [settings.get(key, ABSENT) for settings in flat] for key in keys}
    return {
        key: of_key
        for key, of_key in values.items()
        if any(value != of_key[0] for value in of_key[1:]) and not _are_empty(of_key)
    }


def _are_empty(values: Collection[Any]) -> bool:
    """Whether all values are empty or absent: `{}` has no dotted keys below it."""
    return all(value in (ABSENT, None, {}, []) for value in values)
