"""Pictures of a terminal: a command in a pseudo-terminal, its screen as SVG."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text


class Terminal:
    """A screen that programs write to.

    Args:
        columns: letters of a line.
        rows: lines; what has scrolled away is lost.
    """

    def __init__(self, columns: int = 100, rows: int = 60) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def type(self, command: str) -> None:
        """Show a prompt with a command, as a shell does."""
        self.feed(f"$ {command}\r\n".encode())

    def feed(self, output: bytes) -> None:
        """Show what a program has written."""
        self._stream.feed(output)

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        until: Callable[[str], bool] | None = None,
    ) -> Text | None:
        """Run `densefit` with arguments in a pseudo-terminal of this size.

        Args:
            arguments: arguments of `densefit`.
            folder: working directory.
            until: function of the screen's text; the first screen that it is true of is returned.

        Returns:
            That screen, or None if there was none.

        Raises:
            RuntimeError: the command failed.
        """
        main, secondary = pty.openpty()
        size = struct.pack("HHHH", self._screen.lines, self._screen.columns, 0, 0)
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, size)
        hidden = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
        environment = {key: text for key, text in os.environ.items() if key not in hidden}
        process = subprocess.Popen(
            [sys.executable, "-m", "densefit", *arguments],
            cwd=folder,
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(secondary)
        chosen = None
        try:
            while output := _read(main):
                self.feed(output)
                if until and chosen is None and until("\n".join(self._screen.display)):
                    chosen = self.screen()
        finally:
            os.close(main)
        if process.wait():
            raise RuntimeError(f"densefit {' '.join(arguments)} ended with {process.returncode}")
        return chosen

    def screen(self) -> Text:
        """The lines of the screen, without empty ones at the end."""
        lines = []
        for row in range(self._screen.lines):
            line = Text(end="")
            letters = (self._screen.buffer[row][column] for column in range(self._screen.columns))
            for style, group in groupby(letters, _style):
                line.append("".join(letter.data for letter in group), style)
            line.rstrip()
            lines.append(line)
        while lines and not lines[-1].plain:
            lines.pop()
        return Text("\n").join(lines)


def write_svg(screen: Text, path: Path, title: str, columns: int = 100) -> None:
    """Write a screen as SVG, which loads no font from elsewhere."""
    console = Console(record=True, width=columns, file=io.StringIO(), highlight=False)
    console.print(screen, no_wrap=True, crop=True)
    svg = console.export_svg(title=title, unique_id=path.stem.replace("_", "-"))
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.S)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")


def _read(main: int) -> bytes:
    """Output of the program; empty once it has ended."""
    try:
        return os.read(main, 65536)
    except OSError as error:
        if error.errno != errno.EIO:  # Linux's end of a terminal
            raise
        return b""


def _style(letter: pyte.screens.Char) -> Style:
    """Style of rich of a letter on pyte's screen."""
    front, back = _color(letter.fg), _color(letter.bg)
    return Style(
        color=front,
        bgcolor=back,
        bold=letter.bold,
        italic=letter.italics,
        underline=letter.underscore,
        reverse=letter.reverse,
    )


def _color(name: str) -> str | None:
    """rich's name of a colour: pyte's are names or six hexadecimal digits."""
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return re.sub("^bright", "bright_", name.replace("brown", "yellow"))
