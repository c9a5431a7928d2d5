"""Help pages: they fit a screen, and the options that they show are there."""

import dataclasses
import importlib
import inspect
import re

import pytest

from densefit.tools.console.commands import COMMANDS, GROUPS
from densefit.tools.console.pages import overview, page, show, usage
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.words.plain_words import PLAIN_WORDS, with_dotted

_OF_TRAIN = {"time", "dry_run"}  # which tools/train.py takes itself


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_page_fits_a_screen(name):
    lines = page(name).splitlines()
    assert len(lines) < 40
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith(f"usage: densefit {name}")
    assert usage(name) == "\n".join(lines[: lines.index("")])


def test_the_overview_has_each_group_and_command():
    text = overview()
    assert re.findall(r"^(\w+):$", text, re.M) == list(GROUPS)
    assert re.findall(r"^  ([a-z-]+) ", text, re.M) == list(COMMANDS)


def settings_of(name):
    """The dataclass of a command's settings; None if it reads its words itself."""
    if name == "train":
        return MultiRecipe
    if name == "doctor":  # reads its words itself
        return None
    if name == "predict":
        return importlib.import_module("densefit.tools.predicting.settings").FilePrediction
    if name == "score":
        return importlib.import_module("densefit.tools.scoring.score_trained").Scoring
    module = importlib.import_module(f"densefit.tools.{COMMANDS[name].module}")
    kinds = [
        kind
        for kind in vars(module).values()
        if inspect.isclass(kind)
        and dataclasses.is_dataclass(kind)
        and kind.__module__ == module.__name__
    ]
    return kinds[0] if kinds else None


WITH_SETTINGS = [name for name in COMMANDS if settings_of(name)]


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_the_options_of_a_page_are_settings(name):
    kind = settings_of(name)
    text = page(name).partition("Result files:")[0]
    options = set(re.findall(r"--([a-z][\w.-]*)", text)) - {"help", "print_config"}
    if name == "train":
        options -= {option for option in options if option.replace("-", "_") in _OF_TRAIN}
    fields = {field.name for field in dataclasses.fields(kind)}
    for option in options:
        plain = option.replace("-", "_")
        if option == "config" or plain in fields and plain != "data" or "." in option:
            continue
        assert plain in PLAIN_WORDS
        assert with_dotted([f"--{plain}", "x"], kind)[0] != f"--{plain}"


def test_what_reads_its_words_itself_is_known():
    others = set(COMMANDS) - set(WITH_SETTINGS)
    assert others == {
        "demo",
        "doctor",
        "list",
        "new-task",
        "launch",
        "weights",
        "plot",
        "watch",
        "completion",
    }


def test_headings_are_bold_on_a_terminal_only(capsys, monkeypatch):
    show("usage: x\n\nData:\n  --a:\n")
    assert capsys.readouterr().out == "usage: x\n\nData:\n  --a:\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show("Data:\n  --a:\n")
    assert capsys.readouterr().out == "\x1b[1mData:\x1b[0m\n  --a:\n"
