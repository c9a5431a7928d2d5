import json
import subprocess
import sys

import pytest

from densefit.tools import doctor

#: Notes the modules that are imported when the first line is printed.
PROGRAM = """
import sys
before = sys.stdout.write
seen = []
def write(text):
    if not seen:
        seen.append({"numpy", "cv2", "mxnet", "torch", "onnxruntime", "rich"} & set(sys.modules))
    return before(text)
sys.stdout.write = write
from densefit.tools.cli import main
code = main(["doctor", "--quick"])
print(code, seen)
"""


def test_the_first_line_needs_no_package():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("densefit ")
    assert lines[-1] == "0 [set()]"


def test_problems_have_a_fix_and_an_exit_code(tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {dataset: voc, root: nowhere}\n")
    assert doctor.main([str(recipe), "--quick"]) == 1
    shown = capsys.readouterr()
    assert "x data          " in shown.out
    assert "nowhere is not there" in shown.out
    assert "-> --data.root DIR" in shown.out
    assert "1 problems (x)" in shown.out
    assert "There are problems" in shown.err


def test_a_recipes_splits_are_counted(tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {dataset: shapes, settings: {length: 7}}\n")
    assert doctor.main(["--quick", "--json", "--config", str(recipe)]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    facts = {finding["name"]: finding["facts"] for finding in found}
    assert facts["data"]["samples"] == {"train": 7, "val": 7, "test": 7}
    assert {"Python", "CPUs", "Memory", "Disk", "Packages"} <= facts.keys()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--qick"], "did you mean '--quick'"),
        (["a.yaml", "b.yaml"], "one recipe"),
        (["--config"], "one recipe"),
        (["--data.root="], "one root"),
    ],
)
def test_mistakes_are_told(words, said, capsys):
    assert doctor.main(words) == 2
    assert said in capsys.readouterr().err


def test_a_recipe_that_is_not_there_is_a_problem(capsys):
    assert doctor.main(["nowhere.yaml", "--quick"]) == 1
    assert "x Recipe" in capsys.readouterr().out


def test_help_is_printed(capsys):
    assert doctor.main(["--help"]) == 0
    assert "usage: densefit doctor" in capsys.readouterr().out
