"""What a person sees of a training, in a terminal and in a pipe."""

import os
import pty
import re
import sys
import threading

import pytest

from densefit.tools import train_seg

HEADS = ["--model.heads", "{kind: {task: classification}}"]


class Screen:
    """A pseudo-terminal, and what was written to it."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.stream = os.fdopen(slave, "w")
        self.content = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while True:
            try:
                part = os.read(self.master, 4096)
            except OSError:  # the other end is closed
                return
            if not part:
                return
            self.content += part

    def text(self):
        """Close the terminal; what was written to it, with its controls."""
        self.stream.close()
        self._thread.join()
        os.close(self.master)
        return self.content.decode()

    @staticmethod
    def lasting(text):
        """Lines that stay on the screen: after the last control that erases a line."""
        plain = [re.split(r"\x1b\[2K|\r", line.rstrip("\r"))[-1] for line in text.split("\n")]
        lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line).rstrip() for line in plain]
        return [line for line in lines if line and "━" not in line]


@pytest.fixture
def open_screen(monkeypatch):
    """Makes standard error a terminal; in the test itself, before which pytest sets its own."""

    def make():
        screen = Screen()
        monkeypatch.setattr(sys, "stderr", screen.stream)
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("TERM", "xterm")
        return screen

    return make


def test_in_a_terminal(tiny, tmp_path, open_screen, capsys):
    screen = open_screen()
    assert train_seg.main([*tiny(out=tmp_path / "run"), *HEADS]) == 0
    text = screen.text()
    assert "━" in text  # the live line
    assert max(map(len, Screen.lasting(text)[:-1])) < 150
    lines = Screen.lasting(text)
    assert lines[0].startswith("epoch 1/2, update 2/4 done in ")
    assert lines[1].startswith("  kind/accuracy  ")
    assert "* the best so far" in lines[1]
    assert sum(line.startswith("epoch 2/2, update 4/4 done in ") for line in lines) == 1
    second = next(line for line in lines[2:] if line.startswith("  kind/accuracy  "))
    assert "since the last" in second
    assert "\x1b[?25h" in text  # the cursor is shown again
    block = capsys.readouterr().out.splitlines()
    assert block[0].startswith("densefit ")
    assert block[0].endswith(f"in {tmp_path / 'run'}")
    names = [line.split()[0] for line in block[1:12] if line[:1] != " "]
    assert names[:4] == ["data", "labels", "network", "input"]


def test_in_a_pipe_lines_are_short_and_none_is_printed_twice(tiny, tmp_path, capsys):
    assert train_seg.main([*tiny(out=tmp_path / "run"), *HEADS]) == 0
    shown = capsys.readouterr()
    said = [line for line in (shown.out + shown.err).splitlines() if line.strip()]
    assert "\x1b" not in shown.out + shown.err
    assert "━" not in shown.err
    about_training = [line for line in said if "epoch" in line or "kind/accuracy" in line]
    assert len(about_training) == len(set(about_training)) >= 4
    assert all(len(line) < 100 for line in shown.err.splitlines() if line[:5] != "time:")


def test_a_training_that_fails_before_its_first_update_leaves_no_line(
    tiny, tmp_path, open_screen, monkeypatch
):
    screen = open_screen()
    from densefit.data.loader.loader import Loader
    from densefit.errors import DataError

    def broken(self):
        raise DataError("The disk is gone")

    monkeypatch.setattr(Loader, "__iter__", broken)
    assert train_seg.main([*tiny(out=tmp_path / "run"), *HEADS]) == 1
    text = screen.text()
    lines = Screen.lasting(text)
    assert any("The disk is gone" in line for line in lines)
    assert not any("update 0" in line or "first batch" in line for line in lines)
