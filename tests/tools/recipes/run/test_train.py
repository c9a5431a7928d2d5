"""Where a run goes, and what is said first."""

import os
import subprocess
import sys
import time

import pytest

from densefit.checkpoint.storage import store
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run.train import choose_folder


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def placed(words=(), **settings):
    recipe = Recipe(**settings)
    assert choose_folder(recipe, words) is None
    return recipe.out


def test_a_default_folder_is_numbered(tmp_path):
    words = ["--config", "configs/cells.yaml"]
    assert [placed(words) for _ in range(3)] == ["runs/cells", "runs/cells-2", "runs/cells-3"]
    assert placed(words, resume="auto") == "runs/cells-3"
    assert placed(["--config", "other.yaml"], resume="auto") == "runs/other"


def test_the_folder_of_a_recipe_is_numbered_too(tmp_path):
    assert [placed(out="here/demo") for _ in range(2)] == ["here/demo", "here/demo-2"]


@pytest.mark.parametrize("words", [["--out", "mine"], ["--out=mine"]])
def test_a_folder_of_the_command_line_never_is(words):
    assert [placed(words, out="mine") for _ in range(2)] == ["mine", "mine"]


def test_a_restart_of_a_launch_takes_the_folder_that_it_has_begun(tmp_path, monkeypatch):
    from densefit.train.setup import restarted

    settings = restarted.settings_of()
    first = type(settings)(folder=str(tmp_path))
    monkeypatch.setattr(restarted, "settings_of", lambda: first)
    out = placed(out="demo")
    restarted.mark_begun(tmp_path / out / "checkpoints")
    store.write(tmp_path / out / "checkpoints", "update-00000001", {}, {})
    again = type(settings)(folder=str(tmp_path), restart=1)
    monkeypatch.setattr(restarted, "settings_of", lambda: again)
    recipe = Recipe(out="demo")
    assert choose_folder(recipe, []) is None
    assert (recipe.out, recipe.resume) == (str(tmp_path / "demo"), "auto")


def test_a_start_that_fails_leaves_no_folder(tmp_path, tiny, capsys):
    from densefit.tools import train_det

    assert train_det.main([*tiny(), "--model.backbone", "resnt18"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert list((tmp_path / "runs").iterdir()) == []


def test_the_first_line_comes_before_the_slow_imports(tmp_path):
    """Of a pipe; on an idle machine within two seconds."""
    program = (
        "import sys; from densefit.tools.recipes.run import train;"
        "from densefit.tools.recipes.recipe import Recipe;"
        "sys.modules['densefit.tools.recipes.run.training'] = None;"  # an import of it fails
        "train.main(Recipe, 'Train a thing.', ['--out', 'x'])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.stdout.startswith("densefit ")
    assert done.stdout.endswith(": train a thing, in x\n")
    assert time.monotonic() - started < 60
    slow = (
        "import sys, densefit.tools.recipes.run.train; print({'mxnet', 'torch'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", slow], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "set()\n"
