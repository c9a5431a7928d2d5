"""A short run of the fuzz, and that it finds what it is there to find."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from tests import forked

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(*arguments):
    return forked.run(
        [sys.executable, str(BENCHMARKS / "fuzz_files.py"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)},
        timeout=300,
    )


def test_damaged_files_are_read_rightly_or_refused_by_name():
    done = run("--files", "120", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(\d+) of \1 unchanged files are read", done.stdout)


@pytest.fixture
def worker(monkeypatch):
    """The module that reads files."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.find_spec("fuzz.worker")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fuzz.worker", module)
    spec.loader.exec_module(module)
    return module


def test_kinds_can_be_chosen():
    done = run("--files", "60", "--seed", "2", "--kinds", "YOLO labels", "boxes CSV")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"YOLO labels\s+│\s+30", done.stdout)
    assert "VOC XML" not in done.stdout


def test_a_number_names_one_file(worker):
    cases = [worker.case_of(number) for number in range(2 * len(worker.KINDS))]
    assert [case.content(3) for case in cases] == [case.content(3) for case in cases]
    assert {case.kind for case in cases} == set(range(len(worker.KINDS)))
    assert any(case.content(3) != case.content(4) for case in cases)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (lambda root: 1 / 0, "raw exception"),
        (lambda root: [][1], "raw exception"),
        (lambda root: bytearray(1 << 62), "memory"),
    ],
)
def test_what_is_neither_read_nor_refused_is_found(worker, tmp_path, monkeypatch, broken, what):
    kind = worker.KINDS[0]
    monkeypatch.setattr(type(kind), "open", lambda self, root: broken(root))
    case = worker.Case(0, -1, 0)
    assert worker.read(case, tmp_path / "x", case.content(0)).what == what


def test_a_wrong_reading_and_an_error_without_a_name_are_found(worker, tmp_path, monkeypatch):
    case, kind = worker.Case(0, -1, 0), type(worker.KINDS[0])
    data = case.content(0)
    found = worker.read(case, tmp_path / "a", data)
    assert (found.what, found.compared) == ("read", True)
    assert worker.read(case, tmp_path / "b", b"<annotation>").what == "refused"
    inner = kind.open
    moved = data.replace(b"<xmin>5<", b"<xmin>6<")

    def wrong(self, root):
        (root / self.target).write_bytes(moved)
        return inner(self, root)

    monkeypatch.setattr(kind, "open", wrong)
    assert worker.read(case, tmp_path / "c", data).what == "read wrongly"

    def nameless(self, root):
        raise worker.DensefitError("broken", where="somewhere")

    monkeypatch.setattr(kind, "open", nameless)
    assert worker.read(case, tmp_path / "d", data).what == "no file's name"
