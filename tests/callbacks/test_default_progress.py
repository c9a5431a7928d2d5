"""A training shows how far it is without being asked to, where somebody looks."""

import io
import logging
import sys
import types

import pytest

import densefit as df
from densefit.callbacks import Progress
from densefit.callbacks.default_progress import EpochLog, is_watched, with_progress
from densefit.errors import ConfigError


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def open_terminal(monkeypatch):
    """Makes standard error a terminal; in the test itself, before which pytest sets its own."""

    def make():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setenv("TERM", "xterm")
        return stream

    return make


def train(tiny, **settings):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    settings = {"validation": tiny.iterator(6, 3), "epochs": 2, **settings}
    df.fit(network, tiny.iterator(8, 4), **settings)


@pytest.mark.parametrize("callbacks", [[], "own"])
def test_a_terminal_shows_it_whatever_callbacks_there_are(tiny, open_terminal, callbacks):
    terminal = open_terminal()
    train(tiny, callbacks=[tiny.Log()] if callbacks else [])
    assert terminal.getvalue().count("epoch 1/2, update 2/4 done in") == 1
    assert terminal.getvalue().count("kind/accuracy ") == 2


def test_the_switch_turns_it_off(tiny, open_terminal, caplog):
    terminal = open_terminal()
    with caplog.at_level(logging.INFO, "densefit"):
        train(tiny, progress=False)
    assert terminal.getvalue() == ""
    assert "done in" not in caplog.text


def test_one_of_one_s_own_is_the_only_one(tiny, open_terminal):
    terminal = open_terminal()
    stream = io.StringIO()
    train(tiny, callbacks=[Progress(stream=stream)], progress=True)
    assert terminal.getvalue() == ""
    assert stream.getvalue().count("epoch 1/2") == 1


@pytest.mark.mxnet
def test_what_logs_by_itself_is_left_alone(tiny, open_terminal):
    terminal = open_terminal()
    train(tiny, batch_end_callback=lambda param: None)
    assert "done in" not in terminal.getvalue()
    train(tiny, batch_end_callback=lambda param: None, progress=True)
    assert "done in" in terminal.getvalue()


def test_elsewhere_an_epoch_is_a_line_of_the_log(tiny, monkeypatch, caplog):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with caplog.at_level(logging.INFO, "densefit"):
        train(tiny)
        train(tiny, validation=None, epochs=1)
    lines = [record.getMessage() for record in caplog.records if "done in" in record.getMessage()]
    assert stream.getvalue() == ""
    assert [line[:24] for line in lines] == [
        "epoch 1/2, update 2/4 do",
        "epoch 2/2, update 4/4 do",
        "epoch 1/1, update 2/2 do",
    ]
    tables = [r.getMessage() for r in caplog.records if "validation after" in r.getMessage()]
    assert [table.splitlines()[0] for table in tables] == [
        "validation after update 2 of 4:",
        "validation after update 4 of 4:",
    ]
    assert all("\n  kind/accuracy " in table for table in tables)


def test_a_notebook_is_watched(monkeypatch):
    assert not is_watched()
    shell = types.SimpleNamespace(kernel=object())
    notebook = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert is_watched()
    (found,) = with_progress([], None)
    assert isinstance(found, Progress)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    (found,) = with_progress([], None)
    assert isinstance(found, EpochLog)


def test_it_is_a_switch():
    with pytest.raises(ConfigError, match="True, False or None"):
        with_progress([], "bar")


def test_a_search_of_the_rate_shows_nothing(tiny, open_terminal):
    terminal = open_terminal()
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.find_lr(network, tiny.iterator(8, 4), updates=4, loss="size/mae")
    assert terminal.getvalue() == ""
