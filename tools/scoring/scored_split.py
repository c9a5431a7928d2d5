"""The split that is scored: the one that is named, else the recipe's."""

from __future__ import annotations

from typing import Protocol

from densefit.errors import ConfigError


class Splits(Protocol):
    """Splits of a recipe."""

    validation: str | None
    test: str | None


def scored_split(split: str | None, data: Splits) -> tuple[str, str]:
    """Split to score, and why it is this one.

    Args:
        split: split that the command line names; None for the recipe's test split, else its
            validation split.
        data: splits of the recipe.

    Raises:
        ConfigError: no split is named.
    """
    if split is not None:
        return split, "by --split"
    if data.test is not None:
        return data.test, "the recipe's test split (--split NAME scores another)"
    if data.validation is not None:
        return data.validation, "the recipe has no test split (--split NAME scores another)"
    raise ConfigError("The recipe names no split to score", fix="--split NAME")
