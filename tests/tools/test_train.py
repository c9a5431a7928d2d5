"""`densefit train`: folders whose recipe is planned, and records that are repeated."""

import json
from pathlib import Path

import pytest
import yaml

from densefit.checkpoint.storage import store
from densefit.tools import new_task, train
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run import task_training
from tests.tools.recipes.planning.conftest import cells, streets  # noqa: F401

SMALL = (
    *("--weights", "none", "--backbone", "resnet18", "--model.settings.width", "8"),
    *("--image-size", "64", "--epochs", "2", "--workers", "1", "--training.ema", "null"),
)
HEAD = ("--model.heads.detection.channels", "8")


@pytest.fixture(autouse=True)
def _no_curves(monkeypatch):
    monkeypatch.setattr("densefit.callbacks.curves.plot_curves", lambda *_: None)


def bytes_of(run):
    last = run / "checkpoints" / "last"
    return {path.name: path.read_bytes() for path in sorted(last.glob("*.safetensors"))}


@pytest.fixture(scope="module")
def run(cells, tmp_path_factory):  # noqa: F811
    out = tmp_path_factory.mktemp("run") / "a"
    words = ["detection", "--data", str(cells), *SMALL, *HEAD, "--out", str(out)]
    assert train.main(words) == 0
    return out


def test_a_folder_is_trained_on(run, cells):  # noqa: F811
    recipe = yaml.safe_load((run / "config.yaml").read_text())
    assert recipe["data"]["dataset"] == "yolo"
    assert recipe["data"]["root"] == str(cells)
    assert recipe["input_size"] == [64, 64]
    assert "detection/AP" in json.loads((run / "scores.json").read_text())


def test_a_record_repeats_the_run_bit_for_bit(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "b"
    assert train.main(["--config", str(run / "config.yaml"), "--out", str(out)]) == 0
    assert bytes_of(out) == bytes_of(run)
    records = [yaml.safe_load((own / "config.yaml").read_text()) for own in (run, out)]
    assert {**records[0], "out": str(out)} == records[1]


def test_several_folders_train_one_network(cells, streets, tmp_path, capsys):  # noqa: F811
    words = ["detection", "segmentation", "--data", str(cells), "--data", str(streets)]
    words += [*SMALL, *HEAD, "--model.heads.segmentation", "{decoder: fcn, channels: 8}"]
    assert train.main([*words, "--batch-size", "4", "--out", str(tmp_path / "run")]) == 0
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert {"cells/detection/AP", "streets/segmentation/mIoU"} <= set(scores)


def test_a_dry_run_writes_nothing(cells, tmp_path, capsys, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    assert train.main(["det", "--data", str(cells), *SMALL, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "layout yolo (found by its files)" in shown
    assert "64x64 (as set)" in shown
    assert "nothing was written" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_resume_keeps_the_planned_time(cells, tmp_path, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr(
        "densefit.tools.recipes.planning.time_plan.seconds_per_update", lambda *_: 4.0
    )
    out = tmp_path / "run"
    small = [word for word in SMALL if word not in ("--epochs", "2")]
    words = ["detection", "--data", str(cells), *small, *HEAD, "--out", str(out)]
    assert train.main([*words, "--time", "70s"]) == 0
    shown = capsys.readouterr().out
    planned = yaml.safe_load((out / "config.yaml").read_text())["training"]["epochs"]
    # 4 updates of 2 images an epoch and 8 images of each validation: 16 + 8 seconds, of 63 - 8
    assert planned == 2
    assert "2 epochs within 1:10" in shown
    before = bytes_of(out)
    monkeypatch.setattr(
        "densefit.tools.recipes.planning.time_plan.seconds_per_update", lambda *_: 0.1
    )
    assert train.main([*words, "--time", "1m", "--resume"]) == 0
    assert bytes_of(out) == before
    assert store.names(out / "checkpoints")


def test_a_time_in_which_nothing_fits_is_told(cells, tmp_path, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr(
        "densefit.tools.recipes.planning.time_plan.seconds_per_update", lambda *_: 90.0
    )
    small = [word for word in SMALL if word not in ("--epochs", "2")]
    words = ["detection", "--data", str(cells), *small, *HEAD, "--dry-run", "--time"]
    assert train.main([*words, "1m"]) == 2
    assert "No epoch fits into the time" in capsys.readouterr().err
    assert train.main([*words, "1m", "--epochs", "3"]) == 2
    assert "either --time or --epochs" in capsys.readouterr().err


def test_the_skeleton_of_a_task_trains(own_plugins, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert new_task.main(["lane_lines"]) == 0
    recipe = Path("lane_lines/lane_lines.yaml")
    words = ["--config", str(recipe), "--data.settings", "{length: 16, size: [64, 64]}"]
    words += ["--training.epochs", "1", "--workers", "1", "--batch-size", "auto"]
    assert train.main([*words, "--out", "run"]) == 0
    scores = json.loads(Path("run/scores.json").read_text())
    assert scores["lane_lines/lane_lines_error"] >= 0
    assert "batch:      4 images an update (only 16 images)" in capsys.readouterr().out


def test_all_ranks_have_the_plan_of_the_first(monkeypatch):
    class Second:
        def broadcast(self, what, value):
            return [[64, 96], 2, 7, "3ep"]

    monkeypatch.setattr(task_training, "world", Second)
    recipe = Recipe()
    task_training.share_decisions(recipe)
    training = recipe.training
    assert recipe.input_size == (64, 96)
    assert (training.batch_size, training.epochs, training.validate_every) == (2, 7, "3ep")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "There is nothing to train on"),
        (["--imgsz", "3"], "did you mean --image-size?"),
        (["detection", "--time", "soon"], "--time"),
        (["detection", "--epochs", "3"], "densefit train detection --data DIR"),
        (["--data", "x"], "What is to be trained?"),
        (["detecton", "--data", "x"], "did you mean 'detection'?"),
        (["segmentation", "--config", "ssd_resnet18_shapes"], "no head for segmentation"),
        (["--config", "ssd_resnet18_shapes", "--data", "a", "--data", "b"], "--datasets.NAME.root"),
        (["detection", "--data", "x", "--imgsz", "3"], "did you mean --image-size?"),
        (["detection", "--data", "nowhere"], "There is no such folder"),
    ],
)
def test_mistakes_are_told(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train.main(words) in (1, 2)
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert list(tmp_path.iterdir()) == []
