import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import densefit
from densefit.tools import cli

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
    code, names, _ = called(monkeypatch, words.split())
    is_ranked = words.startswith("train") or words == "score"
    assert (code, bool(names)) == ((0, True) if is_ranked else (2, False))
    assert ("is not divided among ranks" in capsys.readouterr().err) != is_ranked
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert called(monkeypatch, words.split())[1]


def test_every_program_has_a_command():
    programs = {path.stem for path in TOOLS.glob("*.py")} - {"__init__", "cli"}
    assert programs == {command.module for command in cli.COMMANDS.values()}


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["help"]])
def test_help_lists_every_command(capsys, words):
    assert cli.main(words) == 0
    text = capsys.readouterr().out
    for name in cli.COMMANDS:
        assert f"  {name} " in text


def test_help_of_train_lists_its_kinds(capsys):
    assert cli.main(["train", "--help"]) == 0
    assert "densefit train det|seg|keypoints|multi" in capsys.readouterr().out


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
        (["train"], "densefit train det|seg|keypoints|multi"),
        (["--scores"], "densefit has no command '--scores'"),
        (["check_data"], "did you mean 'check-data'?"),
    ],
)
def test_unknown_words_are_errors_of_the_settings(capsys, words, message):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_help_imports_neither_an_engine_nor_opencv():
    code = """
import sys
from densefit.tools import cli
for words in (["--help"], ["--version"], ["scor"], ["score", "--help"]):
    cli.main(words)
print([name for name in ("mxnet", "torch", "cv2", "numpy", "jsonargparse") if name in sys.modules])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.endswith("[]\n"), done.stdout + done.stderr
