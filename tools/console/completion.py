"""The command line as a parser that shells complete by: commands, options, names."""

from __future__ import annotations

import argparse
import dataclasses
import re
from typing import Any, get_type_hints

from densefit.tools.console.commands import COMMANDS
from densefit.tools.console.names import builtin_names
from densefit.tools.console.pages import page

_OPTION = re.compile(r"--[a-z][a-z0-9_.-]*")
#: Option -> what it takes: a heading of `densefit list`, or a list.
_VALUES: dict[str, str | list[str]] = {
    "--backbone": "backbones",
    "--data.dataset": "datasets",
    "--config": "recipes",
    "--engine": ["mxnet", "torch"],
    "--weights": ["imagenet", "none"],
    "--to": ["coco", "voc", "labelimg", "yolo", "mask_folder", "record"],
    "--device": ["cpu", "cuda:0"],
}
_FOLDERS = ("--out", "--data", "--checkpoint", "--data.root")
_FILES = ("--plugins", "--html", "--json", "--png", "--model")
#: Command -> words that may follow.
_WORDS: dict[str, str | list[str]] = {
    "train": "tasks",
    "weights": ["list", "where", "add", "fetch"],
    "score": ["coco", "voc", "masks", "panoptic"],
    "completion": ["bash", "zsh"],
}
_OF_RECIPES = ("train", "find-lr", "check")  # which take dotted settings


def command_line() -> argparse.ArgumentParser:
    """Make the parser; it is completed by, and never parses."""
    names = builtin_names()
    parser = argparse.ArgumentParser(prog="densefit")
    commands = parser.add_subparsers()
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.text.replace("%", "%%"))
        options = set(_OPTION.findall(page(name)))
        if name in _OF_RECIPES:
            options |= _dotted()
        for option in sorted(options - {"--help"}):
            _add(sub, option, names)
        words = _listed(_WORDS.get(name, [*names, "heads"] if name == "list" else []), names)
        if words:
            sub.add_argument("words", nargs="*", choices=words)
        elif command.usage.startswith(("RUN", "RECIPE")) or name in ("predict", "check"):
            _complete_files(sub.add_argument("files", nargs="*"))
    return parser


def _add(parser: argparse.ArgumentParser, option: str, names: dict[str, list[str]]) -> None:
    choices = _listed(_VALUES.get(option, []), names)
    action = parser.add_argument(option, choices=choices or None)
    if option in _FOLDERS:
        action.complete = {  # type: ignore[attr-defined]
            "bash": "_shtab_compgen_dirs",
            "zsh": "_files -/",
        }
    elif option in _FILES:
        _complete_files(action)


def _complete_files(action: argparse.Action) -> None:
    action.complete = {  # type: ignore[attr-defined]
        "bash": "_shtab_compgen_files",
        "zsh": "_files",
    }


def _listed(values: str | list[str], names: dict[str, list[str]]) -> list[str]:
    return names[values] if isinstance(values, str) else values


def _dotted() -> set[str]:
    """Options of all settings of a recipe."""
    from densefit.tools.recipes.multi_recipe import MultiRecipe

    return {f"--{key}" for key in _keys(MultiRecipe, "")}


def _keys(kind: Any, prefix: str) -> list[str]:
    hints = get_type_hints(kind)
    keys: list[str] = []
    for field in dataclasses.fields(kind):
        hint, key = hints[field.name], f"{prefix}{field.name}"
        keys += _keys(hint, f"{key}.") if dataclasses.is_dataclass(hint) else [key]
    return keys
