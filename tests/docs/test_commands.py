"""Each command that a page, a recipe or a docstring shows is one that the programs take."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import densefit as df
from densefit.errors import EngineError
from densefit.tools import cli, score, train

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "tasks").glob("*.md")),
]
RECIPES = sorted((ROOT / "configs").glob("*.yaml"))
PROGRAMS = [
    path
    for folder in ("tools", "benchmarks")
    for path in sorted((ROOT / folder).glob("*.py"))
    if "__main__" in path.read_text() and path.name != "cli.py"
]
FIRST = re.compile(r"densefit [a-z]|(python|make|for|R=|\.venv/bin/python)\b|R=")
STANDS_FOR = {
    "N": "19",
    "NAME": "counting",
    "runs/mine/config.yaml": "configs/ssd_resnet18_shapes.yaml",
    "runs/first/config.yaml": "configs/ssd_resnet18_shapes.yaml",
    "configs/NAME.yaml": "configs/ssd_resnet18_bccd.yaml",
    "configs/multi_NAME.yaml": "configs/multi_resnet18_nuclei.yaml",
}
END = "end of the block"
# Bash expands variables, loops and quotes; nothing is run.
NOTHING = "".join(
    f'function {name} {{ printf "%s\\0" {name} "$@"; printf "\\n"; }}; '
    for name in ("python", "densefit", "make", ".venv/bin/python")
)


def blocks_of(text: str) -> list[str]:
    """The shell blocks of a page: fenced ones, and indented ones that begin with a command."""
    fenced = re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.S)
    bare = re.sub(r"```.*?```", "", text, flags=re.S)
    indented = re.findall(r"(?:^    .*\n(?:^[ \t]*\n(?=    ))?)+", bare, re.M)
    return fenced + [own for own in map(textwrap.dedent, indented) if FIRST.match(own)]


def inline(text: str) -> list[str]:
    """Commands between backticks, joined where a line ends in one."""
    spans = re.findall(r"`((?:python [\w/]+\.py|\w+\.py -|densefit [a-z-]+ )[^`]*)`", text)
    joined = [" ".join(span.split()) for span in spans]
    starts = ("python ", "densefit ")
    return [own if own.startswith(starts) else f"python benchmarks/{own}" for own in joined]


def expanded(blocks: list[str]) -> list[list[list[str]]]:
    """The words of each command in each shell block, by one process."""
    script = "\n".join(f"(\n{block}\n) || exit 1\nprintf '{END}\\n'" for block in blocks)
    done = subprocess.run(
        ["bash", "-c", NOTHING + script], capture_output=True, text=True, cwd=ROOT / "tests"
    )
    of_blocks = done.stdout.split(f"{END}\n")
    assert (done.returncode, done.stderr) == (0, ""), blocks[min(len(of_blocks), len(blocks)) - 1]
    return [
        [as_program(line.split("\0")[:-1]) for line in lines.splitlines()]
        for lines in of_blocks[:-1]
    ]


def as_program(words: list[str]) -> list[str]:
    """The program that a command of the console script is."""
    if words[0] != "densefit" or words[1] not in cli.COMMANDS:
        return words
    if words[1] == "train" and words[2] in train.PROGRAMS and "--data" not in words:
        return ["python", f"tools/{train.PROGRAMS[words[2]][0]}.py", *words[3:]]
    return ["python", f"tools/{cli.COMMANDS[words[1]].module}.py", *words[2:]]


def unbracketed(synopsis: str) -> str:
    """A synopsis as a command with all that may be left out, the first of choices, on one line."""
    joined = re.sub(r"\n +", " ", synopsis)
    return re.sub(r"(\w)\|[\w|]+", r"\1", re.sub(r"\[(--[^\]]*)\]", r"\1", joined))


def blocks_by_place() -> list[tuple[str, str]]:
    """(where it is shown, shell block)."""
    found: list[tuple[str, str]] = []
    for page in PAGES:
        text = page.read_text()
        found += [(page.name, block) for block in [*blocks_of(text), *inline(text)]]
    for recipe in RECIPES:
        comment = "\n".join(re.findall(r"^#(.*)$", recipe.read_text(), re.M))
        blocks = re.findall(r"^\s*(python .*(?:(?<=\\)\n.*)*)$", comment, re.M)
        found += [(recipe.name, block) for block in blocks]
    for path in PROGRAMS:
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        blocks = map(unbracketed, [*inline(said), *blocks_of(f"{said}\n")])
        found += [(path.name, block) for block in blocks]
    lines = re.findall(r"^  (score\.py .*)$", score.HELP, re.M)
    found += [("score.py --help", unbracketed(f"python tools/{line}")) for line in lines]
    return found


def shown() -> dict[str, list[str]]:
    """Command, as typed -> its words, and where it is shown."""
    places, blocks = zip(*blocks_by_place())
    return {
        f"{place}: {shlex.join(words)}": words
        for place, commands in zip(places, expanded(list(blocks)))
        for words in commands
    }


SHOWN = shown()


class Parsed(BaseException):
    """The arguments were taken."""


@pytest.fixture
def stopped(monkeypatch):
    """Programs stop behind their arguments."""

    def stopping(inner):
        def call(*given, **settings):
            inner(*given, **settings)
            raise Parsed

        return call

    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(
        argparse.ArgumentParser, "parse_args", stopping(argparse.ArgumentParser.parse_args)
    )

    def stop(module):
        if hasattr(module, "parse"):
            monkeypatch.setattr(module, "parse", stopping(module.parse))

    return stop


def start(words: list[str], stop, monkeypatch) -> None:
    """Begin a command; raises Parsed if its arguments are taken."""
    script, *arguments = (STANDS_FOR.get(word, word) for word in words)
    folder, name = Path(script).parent.name, Path(script).stem
    assert (ROOT / script).is_file()
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    if script.startswith("tests/"):  # takes no arguments
        assert not arguments
        raise Parsed
    if folder == "benchmarks":
        begins = "parse_args" in (ROOT / script).read_text()
        runpy.run_path(str(ROOT / script), run_name="__main__" if begins else "imported")
        assert not begins
        assert not arguments
        raise Parsed
    scored = f"scoring.{name}_{arguments[0]}" if arguments else ""
    recipes = ("plugins", "run.train", "run.task_training", "checkpoint_settings")
    parsing = [f"recipes.{module}" for module in recipes]
    for own in (name, scored, *parsing):
        if (ROOT / "tools" / f"{own.replace('.', '/')}.py").is_file():
            stop(importlib.import_module(f"densefit.tools.{own}"))
    main = importlib.import_module(f"densefit.tools.{name}").main
    if "--help" in arguments:
        with pytest.raises(SystemExit) if len(arguments) > 1 else pytest.raises(Parsed):
            main(arguments)
            raise Parsed
        raise Parsed
    raise AssertionError(f"ended with {main(arguments)}")


@pytest.mark.parametrize("command", SHOWN)
def test_the_arguments_are_taken(command, stopped, monkeypatch):
    program, *words = SHOWN[command]
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
        assert set(words) <= set(targets)
    elif words[:2] == ["-m", "pytest"]:
        assert (ROOT / words[2]).is_dir()
    else:
        try:
            with pytest.raises(Parsed):
                start(words, stopped, monkeypatch)
        except EngineError:  # a benchmark of MXNet, where it is not installed
            assert words[0].startswith("benchmarks/")
            assert not df.interop.is_installed


@pytest.mark.mxnet
def test_what_no_program_takes_is_found(stopped, monkeypatch):
    assert len(SHOWN) > 60
    assert sum(command.startswith("score.py --help: ") for command in SHOWN) == 6
    for words, error in (
        (["benchmarks/score_memory.py", "--count", "2x"], SystemExit),
        (["benchmarks/metrics_speed.py", "--times", "3"], SystemExit),
        (["tools/train_det.py", "--config", "configs/ssd_resnet18_bccd.yaml", "--epoch", "3"], 2),
        (["tools/score.py", "--checkpoint", "runs/a", "--splits", "test"], 2),
        (["tools/gone.py"], AssertionError),
    ):
        if isinstance(error, int):
            with pytest.raises(AssertionError, match="ended with 2"):
                start(words, stopped, monkeypatch)
        else:
            with pytest.raises(error):
                start(words, stopped, monkeypatch)


def test_every_program_is_shown_somewhere():
    started = {words[1] for words in SHOWN.values() if len(words) > 1}
    own = {f"{path.parent.name}/{path.name}" for path in PROGRAMS}
    assert sorted(own - started) == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_program_names_itself_in_its_first_lines_if_anywhere(path):
    said = ast.get_docstring(ast.parse(path.read_text()))
    named = re.findall(r"(tools|benchmarks)/(\w+)\.py", said or "")
    assert said
    assert not named or (path.parent.name, path.stem) in named


def test_benchmarks_touch_no_private_part_of_the_framework():
    """What a benchmark reads by a leading underscore goes, and nobody notices until it is run."""
    private = []
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or not re.match(r"_[a-z]", node.attr):
                continue
            if not isinstance(node.value, ast.Name) or node.value.id not in ("self", "cls", "os"):
                private.append(f"{path.name}:{node.lineno} {node.attr}")
    assert private == []
