"""The command, with simulated trainings and once with real ones."""

import json

import cv2
import pytest
import yaml

from densefit.tools import compare_balance, train_multi
from densefit.tools.compare_balance import Comparing
from tests.tools.balance_comparison.simulated import Simulated


@pytest.fixture
def recipe(tmp_path):
    heads = {"boxes": {"task": "detection"}, "depth": {"task": "depth"}}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"model": {"heads": heads}}))
    return str(path)


def test_table_files_and_picture(recipe, tmp_path, capsys):
    chosen = Comparing(recipe, ["dwa", "rlw"], seeds=3, out=str(tmp_path / "out"))
    assert compare_balance.run(chosen, train=Simulated({"dwa": 0.05})) == 0
    shown = capsys.readouterr().out
    assert "12 of 15: boxes alone, seed 2" not in shown
    assert "11 of 15: boxes alone, seed 2" in shown
    table = (tmp_path / "out/balance.md").read_text()
    (row,) = [line for line in table.splitlines() if line.startswith("| dwa")]
    assert "better" in row
    assert "| control |" in table
    assert "probability of 80 %" in table
    content = json.loads((tmp_path / "out/balance.json").read_text())
    assert content["methods"]["dwa"]["against_equal"]["verdict"] == "better"
    assert set(content["methods"]["dwa"]["delta_m"]) == {"0", "1", "2"}
    assert cv2.imread(str(tmp_path / "out/balance.png")).std() > 0


def test_a_failure_is_the_exit_code(recipe, tmp_path, capsys):
    chosen = Comparing(recipe, ["dwa"], seeds=1, out=str(tmp_path / "out"))
    assert compare_balance.run(chosen, train=Simulated(fails=("dwa",))) == 1
    assert (
        "failed: dwa, seed 0: The training of 'dwa' with seed 0 failed" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Which recipe"),
        (["--seeds", "0"], "needs seeds"),
        (["--methods", "[dva]"], "did you mean 'dwa'"),
    ],
)
def test_what_is_refused(recipe, words, said, capsys):
    words = ["--recipe", recipe, *words] if words else []
    assert compare_balance.main(words) == 2
    assert said in capsys.readouterr().err


def test_one_head_cannot_be_balanced(tmp_path, capsys):
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump({"model": {"heads": {"boxes": {"task": "detection"}}}}))
    assert compare_balance.main(["--recipe", str(path)]) == 2
    assert "of several heads" in capsys.readouterr().err


def test_real_trainings(tiny, tmp_path, capsys):
    """One seed of two heads: every file is where the comparison looks, and delta-m chooses."""
    heads = {
        "segmentation": {"decoder": "fcn", "channels": 8},
        "kind": {"task": "classification"},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"model": {"heads": heads}}))
    settings = tiny(training__epochs=1, training__validate_every="1ep")

    def train(folder, words):
        return train_multi.main(list(words))

    chosen = Comparing(str(path), ["uncertainty"], seeds=1, out=str(tmp_path / "out"))
    assert compare_balance.run(chosen, settings, train=train) == 0
    shown = capsys.readouterr().out
    assert "uncertainty" in shown
    assert "undecided, 2 seeds or more needed" in shown
    recorded = yaml.safe_load((tmp_path / "out/equal/seed-0/config.yaml").read_text())["training"]
    assert recorded["best"] == "delta_m"
    assert set(recorded["baselines"]) == {"segmentation/mIoU", "kind/accuracy"}
    best = json.loads((tmp_path / "out/equal/seed-0/checkpoints/best/state.json").read_text())
    assert best["keep"]["relative_to"] == recorded["baselines"]
