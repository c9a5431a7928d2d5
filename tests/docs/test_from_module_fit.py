"""The scripts of docs/from-module-fit.md run, and every argument of Module.fit is in it."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from tests import forked

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "from-module-fit.md").read_text()
SCRIPTS = re.findall(r"```python\n(.*?)```", TEXT, re.S)


@pytest.mark.mxnet
@pytest.mark.parametrize("number", range(2))
def test_the_scripts_run_with_mxnet_first(tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(SCRIPTS[number])
    done = forked.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "densefit: head " in done.stderr
    lines = done.stdout.splitlines()
    if number == 0:
        assert re.fullmatch(r"\{'softmax/accuracy': [\d.]+\}", lines[0])
        assert lines[-1] == "(20, 2)"
        assert float(lines[0].split()[-1][:-1]) > 0.7
    else:
        assert "output/accuracy" in lines[0]


def test_every_argument_of_module_fit_is_named(mx):
    (table,) = re.findall(r"## Argument by argument\n(.*?)\n## ", TEXT, re.S)
    left = " ".join(row.split("|")[1] for row in table.splitlines() if row.startswith("|"))
    arguments = list(inspect.signature(mx.mod.Module.fit).parameters)[1:]
    assert len(arguments) > 15
    assert [name for name in arguments if f"`{name}`" not in left] == []


def test_the_iterators_are_those_of_the_whole_table():
    """The excerpt says what the page of all iterators has measured."""
    whole = (ROOT / "docs" / "mxnet-iterators.md").read_text()
    for name, scores in (("ImageRecordIter", "90, 90, 90"), ("CSVIter", "90, 90, 90")):
        (row,) = re.findall(rf"^\| {name} \| 90 \| (.*) \|$", whole, re.M)
        assert row.split(" | ")[0] == "92, 88, 92"
        assert row.split(" | ")[-1] == scores
        assert name in TEXT
