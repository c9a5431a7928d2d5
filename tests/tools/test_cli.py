import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import densefit
from densefit.errors import ConfigError
from densefit.tools import cli, train
from densefit.tools.console.commands import OLD_NAMES

TOOLS = Path(cli.__file__).parent


def called(monkeypatch, words, code=0):
    """(exit code, module that is called, its arguments, argv[0] meanwhile)."""
    calls = []

    class Module:
        @staticmethod
        def main(arguments):
            calls.append((arguments, sys.argv[0]))
            return code

    names = []
    monkeypatch.setattr(cli, "import_module", lambda name: names.append(name) or Module)
    return cli.main(words), names, calls


@pytest.mark.parametrize("words", list(cli.COMMANDS))
def test_a_command_is_a_program_of_this_folder(monkeypatch, words):
    code, names, calls = called(monkeypatch, [*words.split(), "--out", "x"], code=3)
    assert (code, calls) == (3, [(["--out", "x"], f"densefit {words}")])
    assert callable(import_module(names[0]).main)


@pytest.mark.parametrize("words", list(cli.COMMANDS))
def test_ranks_share_a_command_that_trains_or_scores(monkeypatch, capsys, words):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "DENSEFIT_CONTROL": "127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    code, names, _ = called(monkeypatch, [words, "--out", "x"])
    is_ranked = words in ("train", "score")
    assert (code, bool(names)) == ((0, True) if is_ranked else (2, False))
    assert ("is not divided among ranks" in capsys.readouterr().err) != is_ranked
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert called(monkeypatch, [words, "--out", "x"])[1]


def test_every_program_has_a_command():
    programs = {path.stem for path in TOOLS.glob("*.py")} - {"__init__", "cli"}
    trainers = {module for module, _ in train.PROGRAMS.values()}
    commands = {command.module for command in cli.COMMANDS.values()}
    assert programs == commands | trainers | {"compare_tasks"}  # which `compare` calls


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_help_lists_every_command(capsys, words):
    assert cli.main(words) == 0
    text = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"  {name} " in text
    assert len(text.splitlines()) < 40
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("words", [["{}", "--help"], ["help", "{}"], ["{}", "a", "-h", "--b"]])
@pytest.mark.parametrize("name", [*cli.COMMANDS, *OLD_NAMES])
def test_help_of_a_command_is_its_page(monkeypatch, capsys, words, name):
    code, names, _ = called(monkeypatch, [word.format(name) for word in words])
    shown = capsys.readouterr().out
    assert (code, names) == (0, [])
    assert shown.startswith(f"usage: densefit {OLD_NAMES.get(name, name)}")


@pytest.mark.parametrize("words", [["score", "--help", "all"], ["score", "coco", "--help", "all"]])
def test_all_settings_are_listed_by_the_program(monkeypatch, words):
    _, _, calls = called(monkeypatch, words)
    assert calls[0][0] == words[1:-1]


def test_help_behind_two_hyphens_is_another_programs(monkeypatch):
    words = ["launch", "--", "python", "x.py", "--help", "--debug"]
    _, _, calls = called(monkeypatch, words)
    assert calls[0][0] == words[1:]


@pytest.mark.parametrize("name", list(OLD_NAMES))
def test_an_old_name_works_and_says_the_new_one(monkeypatch, capsys, name):
    code, names, calls = called(monkeypatch, [name, "--out", "x"])
    assert (code, names) == (0, [f"densefit.tools.{cli.COMMANDS[OLD_NAMES[name]].module}"])
    assert calls[0][1] == f"densefit {OLD_NAMES[name]}"
    assert capsys.readouterr().err == (
        f"densefit {name} is now called densefit {OLD_NAMES[name]}\n"
    )


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_a_command_that_needs_arguments_shows_its_usage_without_any(monkeypatch, capsys, name):
    code, names, _ = called(monkeypatch, [name])
    shown = capsys.readouterr().err
    if cli.COMMANDS[name].needs_words:
        assert (code, names) == (2, [])
        assert shown.startswith(f"usage: densefit {name}")
        assert shown.endswith(f"densefit {name} --help\n")
    else:
        assert (code, len(names)) == (0, 1)


def test_debug_prints_the_traceback(monkeypatch, capsys):
    class Module:
        @staticmethod
        def main(arguments):
            raise ConfigError("it is so", received=arguments)

    monkeypatch.setattr(cli, "import_module", lambda name: Module)
    assert cli.main(["score", "--out", "x"]) == 2
    plain = capsys.readouterr().err
    assert plain == "error: it is so\n  received: ['--out', 'x']\n"
    assert cli.main(["score", "--out", "x", "--debug"]) == 2
    assert "Traceback" in (shown := capsys.readouterr().err)
    assert shown.endswith(plain)


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"densefit {densefit.__version__}\n"


def test_the_package_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["densefit", "--version"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("densefit", run_name="__main__")
    assert capsys.readouterr().out == f"densefit {densefit.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scor"], "did you mean 'score'?"),
        (["train", "dte"], "did you mean 'det'?"),
        (["train", "det"], "densefit train det --data DIR, or --config RECIPE"),
        (["train", "detection", "--epochs", "3"], "There is nothing to train on"),
        (["--scores"], "densefit has no command '--scores'"),
        (["check_dat"], "did you mean 'check'?"),
    ],
)
def test_unknown_words_are_errors_of_the_settings(capsys, words, message):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_help_and_the_list_import_neither_an_engine_nor_numpy():
    code = """
import sys
from densefit.errors import ConfigError
from densefit.tools import cli, train
from densefit.tools.console.commands import OLD_NAMES
for words in (["--help"], ["--version"], ["scor"], ["train"], ["list"], ["list", "tasks"]):
    cli.main(words)
for name in cli.COMMANDS:
    cli.main([name, "--help"])
print([name for name in ("mxnet", "torch", "cv2", "numpy", "jsonargparse") if name in sys.modules])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.endswith("[]\n"), done.stdout + done.stderr
