"""Pretrained weights: `densefit weights list`, `where`, `add FILE...` and `fetch NAME...`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.checkpoint.weights.library import search
from densefit.checkpoint.weights.library.pretrained_file import PretrainedFile
from densefit.checkpoint.weights.library.table import TABLE
from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.tools.pretrained.fetch import fetch
from densefit.tools.pretrained.store import add, check, check_download, is_right
from densefit.tools.recipes.program import program

USAGE = """usage: densefit weights list             known weights by backbone
       densefit weights where            where files are looked for, and which are there
       densefit weights add FILE...      check known files, and copy them to the search path
       densefit weights fetch NAME...    download known weights to the search path
Nothing is downloaded unless you fetch it. docs/pretrained-weights.md"""

#: Action -> whether names follow it.
ACTIONS = {"list": False, "where": False, "add": True, "fetch": True}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return program(lambda: run(words))


def run(words: Sequence[str]) -> None:
    """Do what the command line says.

    Raises:
        ConfigError: see `parse`.
        CheckpointError: a file is not in the table, or a download failed.
    """
    action, names = parse(words)
    if action == "list":
        _list()
    elif action == "where":
        _where()
    elif action == "add":
        _add(names)
    elif action == "fetch":
        _fetch(names)
    else:
        print(USAGE)


def parse(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return the action and the names behind it.

    Raises:
        ConfigError: no such action, or names that an action needs or does not take.
    """
    if not words or words[0] in ("-h", "--help"):
        return "help", []
    action, names = words[0], list(words[1:])
    if action not in ACTIONS:
        raise ConfigError(
            f"densefit weights has no action {action!r}", fix=nearest(action, ACTIONS)
        )
    if ACTIONS[action] != bool(names):
        raise ConfigError(
            f"What is to {action}?" if ACTIONS[action] else f"{action} takes no more words",
            received=" ".join(names) or None,
            fix=USAGE,
        )
    return action, names


def _list() -> None:
    """Print the table of known weights."""
    table = Table(title=Text("known weights of ImageNet"), title_justify="left")
    for column in ("name", "source", "top-1", "licence", "here"):
        whole = column not in ("source", "licence")  # these may take several lines
        table.add_column(column, no_wrap=whole, overflow="fold")
    for entry in TABLE:
        table.add_row(
            entry.name,
            entry.source,
            "-" if entry.top1 is None else f"{entry.top1:.1f}",
            entry.licence,
            "yes" if search.find(entry) else "",
        )
    Console().print(table)
    console = Console(soft_wrap=True)
    for entry in TABLE:
        console.print(Text(f"{entry.name}: backbone {_backbone(entry)}, input {_input(entry)}"))
        console.print(Text(f"    sha256 {entry.sha256}  {entry.address}", style="dim"))


def _where() -> None:
    """Print the search path and the files of the table on it, checked by their sha256."""
    console = Console(soft_wrap=True)
    console.print(Text(f"searched ({search.VARIABLE}, then the cache):", style="bold"))
    for folder in search.folders():
        console.print(Text(f"  {folder}" + ("" if folder.is_dir() else "  (is not there)")))
    packages = [entry.package.module for entry in TABLE if entry.package is not None]
    console.print(Text(f"  installed packages: {', '.join(packages)}"))
    paths = {entry.name: (entry, search.find(entry)) for entry in TABLE}
    for name, (entry, path) in paths.items():
        if path is not None:
            state = "" if is_right(entry, path) else "  (another file: its sha256 differs)"
            console.print(Text(f"{name}: {path}{state}"))
    if not any(path for _, path in paths.values()):
        console.print(Text("no known weights are there: densefit weights fetch NAME"))


def _add(names: Sequence[str]) -> None:
    for entry, content in [check(name) for name in names]:
        print(f"{entry.name}: {add(entry, content)}")


def _fetch(names: Sequence[str]) -> None:
    entries = {entry.name: entry for entry in TABLE}
    for name in names:
        if name not in entries:
            raise ConfigError(f"There are no known weights {name!r}", fix=nearest(name, entries))
    for name in names:
        path = search.find(entries[name])
        if path is not None and is_right(entries[name], path):
            print(f"{name}: {path} is there already")
        else:
            content = fetch(entries[name])
            check_download(entries[name], content)
            print(f"{name}: {add(entries[name], content)}")


def _backbone(entry: PretrainedFile) -> str:
    plain = {"width": 64, "multiplier": 1.0}
    changed = {key: value for key, value in entry.built.items() if value != plain.get(key)}
    return " ".join([entry.backbone, *(f"{key}={value}" for key, value in changed.items())])


def _input(entry: PretrainedFile) -> str:
    mean, std = entry.input_normalization.rgb
    texts = (" ".join(f"{value:g}" for value in values) for values in (mean, std))
    return "mean {}, std {}".format(*texts)


if __name__ == "__main__":
    sys.exit(main())
