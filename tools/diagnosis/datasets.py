"""The datasets of a recipe: whether their folders are there, and the samples of each split."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from densefit.errors import DensefitError
from densefit.tools.diagnosis.finding import NOTE, PROBLEM, Finding


def datasets(recipe: str, root: str | None = None) -> Iterator[Finding]:
    """Open each split of each dataset of a recipe; no image is read.

    Args:
        recipe: its file, or the name of an installed one.
        root: folder in place of the recipe's, for a recipe of one dataset.
    """
    from densefit.tools.recipes.recipe import Data
    from densefit.yaml_files.document import read_document
    from densefit.yaml_files.recipe import recipe_path

    try:
        content = read_document(recipe_path(recipe)).value
    except (DensefitError, OSError) as error:
        yield _problem("Recipe", error)
        return
    sources = dict(content.get("datasets") or {"": content.get("data") or {}})
    for name, settings in sources.items():
        allowed = {field.name for field in fields(Data)}
        settings = {key: value for key, value in dict(settings or {}).items() if key in allowed}
        if root is not None and len(sources) == 1:
            settings["root"] = root
        yield from _splits(f"data {name}".rstrip(), Data(**settings))


def _splits(label: str, data: Any) -> Iterator[Finding]:
    from densefit.tools.recipes.data.split_dataset import make_dataset

    facts: dict[str, Any] = {"dataset": data.dataset, "root": data.root}
    if data.root is not None:
        folder = os.path.abspath(os.path.expanduser(data.root))
        if not os.path.exists(folder):
            fix = "--data.root DIR, here and in training; relative folders are those of the shell"
            yield Finding(label, f"{folder} is not there", PROBLEM, fix, facts)
            return
        if not os.access(folder, os.R_OK | (os.X_OK if os.path.isdir(folder) else 0)):
            yield Finding(label, f"{folder} cannot be read", PROBLEM, "chmod -R u+rX it", facts)
            return
    counts: dict[str, int] = {}
    for role in ("train", "validation", "test"):
        split = getattr(data, role)
        if split is None or split in counts:
            continue
        try:
            counts[split] = len(make_dataset(data, split))
        except (DensefitError, OSError, TypeError, ValueError, KeyError) as error:
            status = NOTE if role == "test" else PROBLEM
            yield _problem(f"{label} {role}", error, status)
    if counts:
        listed = ", ".join(f"{split} {count}" for split, count in counts.items())
        where = "" if data.root is None else f" in {os.path.abspath(data.root)}"
        text = f"{data.dataset}{where}: {listed} samples"
        yield Finding(label, text, facts={**facts, "samples": counts})


def _problem(name: str, error: Exception, status: str = PROBLEM) -> Finding:
    """The finding of an error, in its first words."""
    if not isinstance(error, DensefitError):
        return Finding(name, f"{type(error).__name__}: {error}", status)
    where = "" if error.where is None else f" ({error.where})"
    fix = None if error.fix is None else str(error.fix)
    return Finding(name, f"{error.what}{where}", status, fix)
