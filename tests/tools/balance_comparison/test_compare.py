"""What is trained, in which order, and what is made of the scores."""

import json
import math

import pytest

from densefit.errors import ConfigError
from densefit.tools.balance_comparison.arms import EQUAL, alone, ways
from densefit.tools.balance_comparison.compare import compared, intervals, train_all
from densefit.tools.balance_comparison.runs import Runs
from tests.tools.balance_comparison.simulated import Simulated, parsed

HEADS = alone(["boxes", "depth"])


def trained(tmp_path, trainer, methods=("dwa", "rlw"), seeds=4):
    arms = ways(methods, {})
    return train_all(
        Runs(tmp_path, ("--config", "r.yaml"), trainer), HEADS, arms, range(seeds)
    ), arms


def test_seeds_are_interleaved_and_nothing_is_trained_twice(tmp_path):
    trainer = Simulated()
    trained(tmp_path, trainer, seeds=2)
    names = ["boxes-alone", "depth-alone", "equal", "dwa", "rlw"]
    assert trainer.calls == [(name, seed) for seed in (0, 1) for name in names]
    trained(tmp_path, trainer, seeds=3)
    assert trainer.calls[10:] == [(name, 2) for name in names]


def test_checkpoints_are_chosen_by_the_validation_of_heads_alone(tmp_path):
    seen = []

    def trainer(folder, words):
        seen.append((folder.parent.name, parsed(words)))
        return Simulated(noise=0.0)(folder, words)

    trained(tmp_path, trainer, methods=(), seeds=1)
    assert [options["training.best"] for _, options in seen] == [
        "composite",
        "composite",
        "delta_m",
    ]
    assert seen[0][1]["only"] == "[boxes]"
    assert seen[2][1]["training.baselines"] == '{"boxes/AP": 0.5, "depth/RMSE": 4.0}'
    assert seen[2][1]["training.balance"] == "null"


def test_heads_learn_from_themselves_alone_with_the_same_seed(tmp_path):
    seen = []

    def trainer(folder, words):
        seen.append((folder.parent.name, parsed(words)))
        return Simulated()(folder, words)

    arms = ways(["dwa"], {}, ["depth"])
    measured = train_all(Runs(tmp_path, (), trainer), HEADS, arms, [3])
    assert [name for name, _ in seen] == ["boxes-alone", "depth-alone", "equal", "dwa", "distilled"]
    distill = seen[-1][1]["training.distill"]
    assert json.loads(distill) == {"depth": str(tmp_path / "depth-alone" / "seed-3")}
    assert seen[-1][1]["training.balance"] == "null"
    assert not any("training.distill" in options for _, options in seen[:-1])
    assert 3 in measured.deltas("distilled")


def test_a_method_that_helps_is_better_and_one_that_harms_worse(tmp_path):
    gains = {"dwa": 0.05, "rlw": -0.05}
    measured, arms = trained(tmp_path, Simulated(gains))
    verdicts = {name: effect.verdict for name, effect in compared(measured, arms).items()}
    assert verdicts == {"dwa": "better", "rlw": "worse"}
    found = intervals(measured, arms)
    assert found["dwa"].mean == pytest.approx(0.05, abs=0.005)
    assert found[EQUAL].mean == pytest.approx(0, abs=0.005)
    assert measured.change("rlw", "depth") == pytest.approx(-0.05, abs=0.01)
    assert measured.milliseconds("dwa") == 30


def test_equal_methods_do_not_differ_or_are_undecided(tmp_path):
    measured, arms = trained(tmp_path, Simulated(noise=0.001), seeds=6)
    assert {e.verdict for e in compared(measured, arms).values()} == {
        "does not differ by 0.5 points"
    }
    measured, arms = trained(tmp_path / "noisy", Simulated(noise=0.05), seeds=3)
    assert all(e.verdict.startswith("undecided") for e in compared(measured, arms).values())


def test_a_training_that_fails_is_noted_and_others_go_on(tmp_path):
    measured, arms = trained(tmp_path, Simulated(fails=("dwa",)), seeds=2)
    assert set(measured.together) == {EQUAL, "rlw"}
    assert len(measured.failures) == 2
    assert "no such picture" in measured.failures[0]
    assert "dwa, seed 0" in measured.failures[0]
    assert set(compared(measured, arms)) == {"rlw"}
    again, _ = trained(tmp_path, Simulated(), seeds=2)  # what failed is tried again
    assert set(again.together) == {EQUAL, "dwa", "rlw"}


def test_without_a_head_alone_there_is_no_delta(tmp_path):
    measured, arms = trained(tmp_path, Simulated(fails=("boxes-alone",)), seeds=1)
    assert measured.deltas(EQUAL) == {}
    assert compared(measured, arms) == {}
    assert math.isnan(measured.change(EQUAL, "boxes"))


def test_names_of_methods():
    assert [arm.name for arm in ways(["dwa"], {"wide": {"model.settings.width": 32}})] == [
        EQUAL,
        "dwa",
        "wide",
    ]
    assert ways([], {"w": {"a.b": {"c": 1}}})[1].words == ("--a.b", '{"c": 1}')
    with pytest.raises(ConfigError, match="did you mean 'dwa'"):
        ways(["dva"], {})
    with pytest.raises(ConfigError, match="without factors"):
        ways(["fixed"], {})
    with pytest.raises(ConfigError, match="Two methods are called 'dwa'"):
        ways(["dwa"], {"dwa": {}})
