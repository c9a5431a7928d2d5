"""Write the skeleton of a task of your own: `densefit new-task counting`."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import ConfigError
from densefit.tools.console.names import builtin_names
from densefit.tools.console.skeleton import plugin_text, recipe_text
from densefit.tools.recipes.program import program
from densefit.tools.recipes.run.out_folder import make_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    return program(lambda: run(list(sys.argv[1:] if arguments is None else arguments)))


def run(words: Sequence[str]) -> None:
    """Write NAME.py and NAME.yaml.

    Raises:
        ConfigError: the name is taken or no name of a module, or one of the files is there.
    """
    name, folder = parse(words)
    out = make_folder(folder)
    files = {out / f"{name}.py": plugin_text(name), out / f"{name}.yaml": recipe_text(name)}
    for path in files:
        if path.exists():
            raise ConfigError("The file is there already", where=path, fix="--out another folder")
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    print(f"wrote {', '.join(map(str, files))}")
    print(f"train it:  densefit train --config {out / name}.yaml --out runs/{name}")
    print(f"then change the lines marked CHANGE in {out / name}.py")


def parse(words: Sequence[str]) -> tuple[str, Path]:
    """(name, folder) of the command line.

    Raises:
        ConfigError: no name, or no name of a module.
    """
    name, folder, rest = None, None, iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option == "--out":
            folder = value if equals else next(rest, None)
        elif name is None and not word.startswith("-"):
            name = word
        else:
            raise ConfigError(f"densefit new-task does not take {word}", fix="new-task NAME")
    if name is None:
        raise ConfigError("The task has no name", fix="densefit new-task NAME")
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower():
        raise ConfigError(
            "The name of a task is also that of its file",
            expected="small letters, digits and _, as counting or lane_lines",
            received=name,
        )
    if name in builtin_names()["tasks"]:
        raise ConfigError(f"densefit has a task {name} already", fix="another name")
    return name, Path(folder or name)


if __name__ == "__main__":
    sys.exit(main())
