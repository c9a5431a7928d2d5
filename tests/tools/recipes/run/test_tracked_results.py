import pytest

from densefit.callbacks import Callback, Control, TrainState
from densefit.config import parse
from densefit.tools import train_det
from densefit.tools.recipes.parts import make_callbacks
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.run.tracked_results import await_results, track_results
from tests.callbacks.test_run_tracker import Store, Tracker


@pytest.fixture
def tracker():
    """A tracker at the end of a training that it has logged."""
    tracker = Tracker(Store())
    assert await_results([Callback(), tracker]) == [tracker]
    tracker.fit_started(TrainState(None, update=3), Control())
    tracker.fit_ended(TrainState(None, update=3), None)
    return tracker


def test_scores_and_main_files_are_logged(tracker, tmp_path):
    for name in ("report.html", "curves.png", "scalars.jsonl"):
        (tmp_path / name).touch()
    assert track_results([tracker], tmp_path, lambda: {"a/AP": 0.5}) == {"a/AP": 0.5}
    run = tracker.store["run0"]
    assert run["points"] == [(3, "test/a/AP", 0.5)]
    assert [path.name for path in run["files"]] == ["report.html", "curves.png"]
    assert run["ends"] == ["NoneType"]


def test_scores_that_fail_mark_the_run(tracker, tmp_path):
    with pytest.raises(ZeroDivisionError):
        track_results([tracker], tmp_path, lambda: {"a": 1 / 0})
    assert tracker.store["run0"]["ends"] == ["ZeroDivisionError"]


@pytest.mark.parametrize(("name", "folder"), [("mlflow", "mlflow"), ("wandb", ".")])
def test_a_recipe_names_a_tracker_which_gets_settings_and_a_folder(tmp_path, name, folder):
    pytest.importorskip(name)
    words = ["--training.callbacks", f"[{{name: {name}, every: 5}}]"]
    recipe = parse(Recipe, words)[0]
    (tracker,) = make_callbacks(recipe.training, tmp_path / "run", {"seed": 0})
    assert tracker.directory == tmp_path / "run" / folder
    assert (tracker.params, tracker.run_name, tracker.every) == ({"seed": 0}, "run", 5)


def test_a_training_logs_its_settings_scores_and_pictures(tiny, tmp_path):
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    out = tmp_path / "run"
    heads = "{kind: {task: classification}}"
    words = ["--training.callbacks", "[mlflow]", "--training.epochs", "1"]
    assert train_det.main([*tiny(model__heads=heads, out=out), *words]) == 0
    client = MlflowClient(f"sqlite:///{out / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("densefit")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run")
    assert run.data.params["training.schedule.lr"] == "0.005"
    assert {"test/kind/accuracy", "validation/kind/accuracy"} <= set(run.data.metrics)
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "scores.json", "predictions.png", "train_batch.png"} <= names
