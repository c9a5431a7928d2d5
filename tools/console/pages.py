"""Help pages of the commands: text files, which are shown without importing a program."""

from __future__ import annotations

import sys
from pathlib import Path

from densefit.tools.console.commands import COMMANDS, GROUPS

_FOLDER = Path(__file__).parent / "pages"
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def overview() -> str:
    """List all commands, by group."""
    lines = ["usage: densefit COMMAND ...    train networks for dense prediction, score, export"]
    width = max(map(len, COMMANDS))
    for heading, group in GROUPS.items():
        lines.append(f"\n{heading}:")
        for name, command in group.items():
            lines.append(f"  {name:<{width}}  {command.text:<36} {command.usage}".rstrip())
    lines.append("\ndensefit COMMAND --help     its settings; --help all: every one of them")
    return "\n".join(lines)


def page(name: str) -> str:
    """The help page of a command: usage, the settings that are changed first, examples."""
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")


def usage(name: str) -> str:
    """The usage of a command, as its page states it: the lines before the first empty one."""
    return page(name).partition("\n\n")[0] if name in COMMANDS else ""


def show(text: str) -> None:
    """Print a page; its headings are bold on a terminal."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    for line in text.splitlines():
        is_heading = line.endswith(":") and not line.startswith(" ")
        print(f"{_BOLD}{line}{_PLAIN}" if is_heading and is_terminal else line)
