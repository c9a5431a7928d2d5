"""Trials of settings: the best one wins, bad ones are cut off, and a study goes on."""

import json

import pytest
import yaml

from densefit.tools.balance_comparison import tuning
from densefit.tools.balance_comparison.arms import FIXED, alone
from densefit.tools.balance_comparison.runs import Runs
from densefit.tools.balance_comparison.tuning import is_tunable, tuned
from tests.tools.balance_comparison.simulated import Simulated, parsed, write_run

pytest.importorskip("optuna", reason="the extra tune")
HEADS = alone(["boxes", "depth"])


class Process:
    """A training that writes a validation at each look, better with more weight on the boxes."""

    def __init__(self, folder, words, cut, validations=4):
        self.folder, self.options, self.cut = folder, parsed(words), cut
        self.left, self.validations = validations, validations
        folder.mkdir(parents=True, exist_ok=True)

    def poll(self):
        if self.left == 0:
            return 0
        self.left -= 1
        factors = yaml.safe_load(self.options["training.balance"])["factors"]
        gain = 0.1 * (factors["boxes"] - 1)
        write_run(self.folder, self.options, gain, validations=self.validations)
        lines = (self.folder / "scalars.jsonl").read_text().splitlines(keepends=True)
        shown = lines[: self.validations - self.left]
        (self.folder / "scalars.jsonl").write_text("".join(shown))
        if self.left:
            (self.folder / "scores.json").unlink()
        return None if self.left else 0

    def terminate(self):
        self.left = 0
        self.cut.append(self.folder.name)

    def wait(self):
        return 0


@pytest.fixture
def search(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "_POLL", 0.0)
    started, cut = [], []

    def start(folder, words):
        started.append(folder.name)
        return Process(folder, words, cut)

    runs = Runs(tmp_path, ("--config", "r.yaml"), Simulated(noise=0.0))

    def run(trials):
        return tuned(runs, FIXED, HEADS, trials, seed=1003, start=start)

    return run, started, cut


def test_the_best_weights_win_and_a_study_goes_on(search):
    run, started, cut = search
    arm = run(8)
    factors = json.loads(arm.words[1])["factors"]
    assert factors["boxes"] > 1 > factors["depth"]
    assert sum(factors.values()) == pytest.approx(2)  # their mean is 1
    assert len(started) == 8
    assert cut, "trials below the median are cut off"
    assert run(8) == arm
    assert len(started) == 8
    run(10)
    assert len(started) == 10


def test_which_methods_have_settings():
    assert is_tunable(FIXED)
    assert is_tunable("dwa")
    assert not is_tunable("rlw")
