"""The console script `densefit`: dispatches its commands to the programs in this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

import densefit
from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.tools.console.commands import COMMANDS, GROUPS, OLD_NAMES
from densefit.tools.console.pages import overview, page, show, usage
from densefit.tools.recipes.program import program, show_tracebacks

__all__ = ["COMMANDS", "GROUPS", "main"]

_HELP = ("-h", "--help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code, or 2 if there is none of this name."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else ""
    # What follows is another program's: `densefit launch -- program --debug`.
    options = words[: words.index("--")] if "--" in words else words
    if "--debug" in options:
        words.remove("--debug")
        with show_tracebacks():
            return main(words)
    if name == "help" and words[1:] and words[1] in {*COMMANDS, *OLD_NAMES}:
        return main([words[1], "--help"])
    if not words or name in (*_HELP, "help"):
        return program(lambda: show(overview()))
    if name == "--version":
        return program(lambda: print(f"densefit {densefit.__version__}"))
    if name in OLD_NAMES:
        print(f"densefit {name} is now called densefit {OLD_NAMES[name]}", file=sys.stderr)
        name = OLD_NAMES[name]
    if name not in COMMANDS:
        return program(partial(_refuse, name))
    if not COMMANDS[name].is_ranked and _is_several():
        return program(partial(_refuse_ranks, name))
    return _run(name, words[1:])


def _run(name: str, words: list[str]) -> int:
    """Run the program of a command, whose messages show the words that were typed."""
    if _asks_for_page(words):
        return program(lambda: show(page(name)))
    if not words and COMMANDS[name].needs_words:
        print(usage(name), f"densefit {name} --help", sep="\n", file=sys.stderr)
        return 2
    if words[-2:] == ["--help", "all"]:
        words = words[:-1]
    before = sys.argv
    sys.argv = [f"densefit {name}", *words]
    codes: list[int] = []
    path = f"densefit.tools.{COMMANDS[name].module}"
    try:
        code = program(lambda: codes.append(import_module(path).main(words)))
    finally:
        sys.argv = before
    return codes[0] if codes else code  # else a package is missing


def _asks_for_page(words: Sequence[str]) -> bool:
    """Whether the words ask for the page of a command: `--help`, and no `--help all`."""
    options = words[: words.index("--")] if "--" in words else words
    asked = [index for index, word in enumerate(options) if word in _HELP]
    return bool(asked) and list(options[asked[0] + 1 :][:1]) != ["all"]


def _is_several() -> bool:
    """Whether this is one of several ranks."""
    if "WORLD_SIZE" not in os.environ:
        return False
    from densefit.distributed.environment import settings_of  # with numpy: `--help` is quick

    return settings_of().size > 1


def _refuse_ranks(name: str) -> None:
    """Raise ConfigError for a command whose ranks would all do and write the same."""
    raise ConfigError(
        f"densefit {name} is not divided among ranks: each would do and write the same",
        expected="one process, or a command that trains or scores",
        received=f"{os.environ['WORLD_SIZE']} ranks",
        fix=f"densefit {name} without `densefit launch`",
    )


def _refuse(name: str) -> None:
    """Raise ConfigError for a word that names no command."""
    raise ConfigError(f"densefit has no command {name!r}", fix=nearest(name, COMMANDS))


if __name__ == "__main__":
    sys.exit(main())
