"""A folder is taken as it is: new, unfinished, finished, or in use."""

import json
from dataclasses import asdict, replace

import pytest
import yaml

from densefit.checkpoint.storage import store
from densefit.checkpoint.storage.claim import Claim
from densefit.errors import CheckpointError
from densefit.tools.recipes.data.paths import with_absolute_paths
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run.run_state import changed_settings, done_text, end_of, finished_run


@pytest.fixture
def run(tmp_path):
    """A finished run's folder and its recipe."""
    recipe = Recipe(out=str(tmp_path / "run"))
    store.write(tmp_path / "run" / "checkpoints", "update-00000008", {}, {})
    folder = tmp_path / "run"
    text = json.dumps(asdict(with_absolute_paths(recipe)))
    (folder / "config.yaml").write_text(yaml.safe_dump(json.loads(text)))
    ended = {"time": "now", "update": 8, "stop_reason": None}
    (folder / "environment.json").write_text(json.dumps([{}, {"ended": ended}]))
    (folder / "scores.json").write_text(json.dumps({"det/AP": 0.25, "seg/mIoU": 0.5}))
    about = {"split": "test", "primary": {"seg/mIoU": True, "det/AP": True}}
    (folder / "scored.json").write_text(json.dumps(about))
    return recipe


def unfinished(recipe):
    with open(f"{recipe.out}/environment.json", "w") as file:
        file.write("[{}]")


def test_a_new_folder_is_work(tmp_path):
    assert finished_run(Recipe(out=str(tmp_path / "none"))) is None
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("resume", ["none", "auto"])
def test_a_finished_run_is_done_and_says_its_main_score(run, resume):
    said = finished_run(replace(run, resume=resume))
    assert said == f"already done: {run.out}, 8 updates, seg/mIoU 0.5000 on 'test'"


def test_an_early_stop_is_said(run, tmp_path):
    ended = {"update": 5, "stop_reason": "it is late"}
    assert "5 updates (stopped early: it is late), seg" in done_text(tmp_path / "run", ended)
    (tmp_path / "run" / "scores.json").unlink()
    assert done_text(tmp_path / "run", ended).endswith("(stopped early: it is late)")


def test_an_unfinished_run_is_resumed_only_if_that_is_asked_for(run):
    unfinished(run)
    assert finished_run(replace(run, resume="auto")) is None
    with pytest.raises(CheckpointError, match="(?s)not finished.*update-00000008.*--resume auto"):
        finished_run(run)


def test_a_finished_run_with_other_settings_is_no_answer(run):
    longer = replace(run, training=replace(run.training, epochs=99))
    with pytest.raises(CheckpointError, match="training.epochs 10, now 99"):
        finished_run(longer)
    assert finished_run(replace(longer, resume="auto")) is None  # it goes on


def test_settings_without_an_effect_may_differ(run):
    data = replace(run.data, workers=7, check=False)
    assert finished_run(replace(run, data=data)) is not None
    assert changed_settings(replace(run, seed=3)) == {"seed": [0, 3]}


def test_a_folder_in_use_is_locked_by_a_process(run, tmp_path):
    claim = Claim(tmp_path / "run" / "checkpoints")
    claim.take()
    with pytest.raises(CheckpointError, match="locked by this process"):
        finished_run(run)
    claim.release()
    assert finished_run(run) is not None


def test_what_is_no_record_is_no_end(tmp_path):
    for text in ("", "{", "[]", "[3]", '[{"ended": 3}]', "{}"):
        (tmp_path / "environment.json").write_text(text)
        assert end_of(tmp_path) is None
