"""From a training with the balancer `observed` to a plan."""

import json

import pytest

from densefit.tools import plan_tasks, train_multi
from tests.tools.conftest import leave_out_curves

HEADS = (
    "{segmentation: {decoder: fcn, channels: 8}, kind: {task: classification}, "
    "detection: {strides: [8], channels: 8}}"
)


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    pytest.importorskip("torch", reason="gradients at features are computed by PyTorch")
    patch = pytest.MonkeyPatch()
    leave_out_curves(patch)
    out = tmp_path_factory.mktemp("plan") / "run"
    settings = tiny(out=out, training__epochs=1, engine="torch")
    balance = ["--training.balance", "{name: observed, every: 1}"]
    assert train_multi.main([*settings, "--model.heads", HEADS, *balance]) == 0
    patch.undo()
    return out


def test_plan(run, tmp_path, capsys):
    path = tmp_path / "plan.json"
    assert plan_tasks.main([str(run), "--out", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "Train " in shown
    content = json.loads(path.read_text())
    assert len(content["plans"]) == 5
    assert set(content["affinity"]) == {
        f"{a}/{b}"
        for a in ("segmentation", "kind", "detection")
        for b in ("segmentation", "kind", "detection")
        if a != b
    }
    for pair, cosine in content["cosine"].items():
        assert -1 <= cosine <= 1
        assert content["cosine"]["/".join(pair.split("/")[::-1])] == pytest.approx(cosine)
        assert (content["affinity"][pair] > 0) == (cosine > 0)
    whole = next(p for p in content["plans"] if len(p["networks"]) == 1)
    alone = next(p for p in content["plans"] if len(p["networks"]) == 3)
    assert sum(alone["gains"].values()) == 0
    assert 1 < alone["multiply_adds"] / whole["multiply_adds"] < 3


def test_a_budget(run, capsys):
    assert plan_tasks.main([str(run), "--budget", "1.0"]) == 0
    assert "segmentation + kind + detection" in capsys.readouterr().out
    assert plan_tasks.main([str(run), "--budget", "0.5"]) == 2
    assert "less than one network" in capsys.readouterr().err


def test_steps_are_the_optimizer_s_unless_they_are_named(run, tmp_path):
    gains = {}
    for words in ([], ["--steps", "plain"], ["--steps", "normalised"]):
        path = tmp_path / "plan.json"
        assert plan_tasks.main([str(run), *words, "--out", str(path)]) == 0
        content = json.loads(path.read_text())["plans"]
        whole = next(plan for plan in content if len(plan["networks"]) == 1)
        gains[tuple(words[1:])] = whole["gains"]
    assert gains[()] == gains["plain",]  # it is trained by sgd
    assert all(-1 <= gain <= 0 for gain in gains["normalised",].values())
    assert gains["plain",] != gains["normalised",]
    assert plan_tasks.main([str(run), "--steps", "long"]) == 2


def test_a_training_that_measured_nothing(trained, capsys):
    assert plan_tasks.main([str(trained)]) == 2
    assert "{name: observed}" in capsys.readouterr().err
