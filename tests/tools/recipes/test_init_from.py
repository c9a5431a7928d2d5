"""Trainings that begin with the weights of another one."""

import re

import numpy as np
import pytest

import densefit as df
from densefit.tools import find_lr, train_seg

SEGMENTATION = "segmentation: {decoder: fcn, channels: 8}"
KIND = "kind: {task: classification"
STRIDE = ["--model.output_stride", "16"]  # what the run's detection head asked for
FROZEN = ["--training.freeze", "[resnet18_*, segmentation_*]"]


def values(path):
    network = df.load(path)
    return {**network.parameters, **network.statistics}


def rows(text):
    """Cells of the printed table by the name in its first column."""
    _, told = text.split("parameters of", 1)
    table = told[: told.index("└")].splitlines()
    lines = [re.split("│", line)[1:-1] for line in table if "│" in line]
    return {cells[0].strip(): [int(cell) for cell in cells[1:]] for cells in lines}


def test_a_new_head_trains_on_the_frozen_rest_of_a_run(tiny, trained, tmp_path, capsys):
    heads = ["--model.heads", f"{{{SEGMENTATION}, colour: {{task: classification}}}}"]
    arguments = [*tiny(out=tmp_path / "run", training__epochs=1), *heads, *FROZEN, *STRIDE]
    assert train_seg.main([*arguments, "--init_from", str(trained)]) == 0
    shown = capsys.readouterr().out
    assert f"begins with {trained}/checkpoints/best" in shown
    before, after = values(trained / "checkpoints" / "best"), values(tmp_path / "run")
    table = rows(shown)
    own = {name: value for name, value in after.items() if name.startswith("segmentation_")}
    assert table["segmentation"] == [len(own), 0, 0, 0]
    assert table["colour"] == [0, 0, 2, 0]
    assert table["(trunk)"][0] == len(after) - len(own) - 2
    lost = [name for name in before if name.startswith(("detection_", "kind_"))]
    assert f"not in this network: {len(lost)} (" in shown
    for name in set(after) - {"colour_class_weight", "colour_class_bias"}:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)


def test_heads_for_other_classes(tiny, trained, tmp_path, capsys):
    heads = ["--model.heads", f"{{{KIND}, classes: 5}}}}"]
    arguments = [*tiny(out=tmp_path / "run", training__epochs=1), *heads]
    arguments += ["--init_from", str(trained / "checkpoints" / "last")]
    assert train_seg.main(arguments) == 1
    assert "kind_class_weight (4, 64), not (5, 64)" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert train_seg.main([*arguments, "--init_mismatched", "skip"]) == 0
    shown = capsys.readouterr().out
    assert rows(shown)["kind"] == [0, 0, 0, 2]
    assert "output stride is 16 there, 32 here" in shown
    assert "kind_class_bias is (4,) there, (5,) here" in shown
    # A training that goes on has weights of its own.
    more = ["--init_from", "nowhere", "--resume", "auto", "--training.epochs", "2"]
    assert train_seg.main([*arguments, *more]) == 0
    assert "begins with" not in capsys.readouterr().out


def test_a_rate_is_searched_with_the_weights_that_the_training_will_begin_with(
    tiny, trained, tmp_path, capsys
):
    heads = ["--model.heads", f"{{{SEGMENTATION}}}", "--updates", "3", *STRIDE]
    assert find_lr.main([*tiny(out=tmp_path), *heads, "--init_from", str(trained)]) == 0
    assert rows(capsys.readouterr().out)["segmentation"][1:] == [0, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--init_from", "nowhere"], 1, "nowhere"),
        (["--model.output_stride", "32"], 1, "output stride 16 there, 32 here"),
        (["--init_mismatched", "ignore"], 2, "'raise', 'skip' or 'grow'"),
    ],
)
def test_mistakes_are_told(tiny, trained, tmp_path, capsys, arguments, code, said):
    given = [*tiny(out=tmp_path / "run"), "--model.heads", f"{{{SEGMENTATION}}}", *STRIDE]
    assert train_seg.main([*given, "--init_from", str(trained), *arguments]) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_learned_weights_of_losses_are_told(tiny, tmp_path, capsys):
    balance = ["--training.balance", "{name: uncertainty}"]
    heads = f"{{{SEGMENTATION}, {KIND}}}, colour: {{task: classification}}}}"
    first = [*tiny(out=tmp_path / "first", training__epochs=1), "--model.heads", heads]
    assert train_seg.main([*first, *balance]) == 0
    learned = values(tmp_path / "first")
    capsys.readouterr()
    heads = f"{{{SEGMENTATION}, {KIND}, classes: 5}}, new: {{task: classification}}}}"
    second = [*tiny(out=tmp_path / "second", training__epochs=1), "--model.heads", heads]
    second += ["--training.freeze", "['*_log_variance']", "--init_mismatched", "skip", *balance]
    assert train_seg.main([*second, "--init_from", str(tmp_path / "first")]) == 0
    shown = capsys.readouterr().out
    told = {"segmentation": "loaded", "kind": "new", "new": "new", "colour": "dropped"}
    words = ", ".join(f"{head}_log_variance {what}" for head, what in told.items())
    assert f"learned weights of losses: {words}\n" in shown
    assert rows(shown)["new"] == [0, 0, 3, 0]
    begun = values(tmp_path / "second")
    assert begun["segmentation_log_variance"] == learned["segmentation_log_variance"] != 0
    assert begun["new_log_variance"] == begun["kind_log_variance"] == 0
