"""The commands of a page, each with the lines that it shows, and their runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests import forked

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"```console\n(.*?)```", re.S)
_MOVES = re.compile(r"\x1b\[[0-9;?]*[ABGHJK]|\r")  # to another line, or to its beginning
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NUMBER = re.compile(r"[-+]?\d[\d,.:]*(?:e[-+]?\d+)?")


@dataclass
class Step:
    """A command of a page.

    Attributes:
        words: of the command.
        shown: lines that the page shows below it, without those that stand for others.
    """

    words: list[str]
    shown: list[str] = field(default_factory=list)


def steps_of(page: str) -> list[Step]:
    """The commands of a page's console blocks, which begin with `$ `."""
    steps: list[Step] = []
    for block in _BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append(Step(shlex.split(line[2:])))
            elif line.strip() not in ("", "..."):
                steps[-1].shown.append(line)
    return steps


def masked(line: str) -> str:
    """A line without numbers and repeated spaces: what is the same in every run."""
    words = re.sub(r"\b(epoch|update)\b", r"\1s", _NUMBER.sub("N", line))  # 1 epoch, 2 epochs
    return re.sub(r"[\s─━]+", " ", words).strip()


def program(words: list[str]) -> list[str]:
    """The Python program of a command."""
    first = [str(ROOT / "tools/cli.py")] if words[0] == "densefit" else [words[1]]
    return [sys.executable, *first, *words[1 if words[0] == "densefit" else 2 :]]


def run(words: list[str], folder: Path, terminal: bool) -> tuple[int, str]:
    """(exit code, output) of a command, on a terminal or in a pipe.

    Args:
        words: of the command.
        folder: in which it runs.
        terminal: whether its output is a pseudo-terminal.
    """
    command = program(words)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("DENSEFIT")},
        "XDG_CACHE_HOME": str(folder / ".cache"),  # without downloaded weights
        "COLUMNS": "100",
    }
    if not terminal:
        done = forked.run(
            command, cwd=folder, env=environment, timeout=300,
            stdout=forked.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout.decode()
    ours, theirs = os.openpty()
    process = forked.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # EIO: the last writer has closed the terminal
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    return process.wait(timeout=300), b"".join(parts).decode()


def plain(output: str) -> str:
    """An output without control sequences; what a line replaces is a line of its own."""
    return _CONTROL.sub("", _MOVES.sub("\n", output))
