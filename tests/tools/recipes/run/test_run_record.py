"""What a run was made with can be read from its folder."""

import json
import subprocess

import densefit as df
from densefit.callbacks import TrainState
from densefit.data.fingerprint import fingerprint
from densefit.tools import train_det
from densefit.tools.recipes.run.run_record import Cost, commit, record_start


def test_each_start_is_recorded(tmp_path):
    shapes = df.dataset("shapes", length=3, size=(24, 24))
    record_start(tmp_path, {"train": shapes}, 7, "none")
    record_start(tmp_path, {"train": shapes}, 7, "auto")
    first, second = json.loads((tmp_path / "environment.json").read_text())
    assert (first["resume"], second["resume"], first["seed"]) == ("none", "auto", 7)
    assert first["data"] == second["data"]
    assert first["data"]["train"]["samples"] == 3
    assert first["versions"].get("mxnet", "1.9.1") == "1.9.1"
    assert ("mxnet" in first["versions"]) == df.interop.is_installed
    assert first["started"] <= second["started"]
    record_start(tmp_path, {}, 0, "none")  # a new run
    assert len(json.loads((tmp_path / "environment.json").read_text())) == 1


def test_each_dataset_is_fingerprinted_once(tiny, tmp_path, monkeypatch):
    """Although the fit (for its checkpoints) and the record of the run both want it."""
    taken = []

    def counted(dataset):
        taken.append(dataset.split)
        return fingerprint(dataset)

    for user in (
        "data.loader.loader_facts",
        "tools.recipes.run.run_record",
        "train.setup.identity",
    ):
        monkeypatch.setattr(f"densefit.{user}.fingerprint", counted)
    heads = ["--model.heads", "{kind: {task: classification}}"]
    out = tmp_path / "run"
    assert train_det.main([*tiny(out=out, training__epochs=1), *heads]) == 0
    assert sorted(taken) == ["test", "train", "val"]
    (start,) = json.loads((out / "environment.json").read_text())
    kept = json.loads((out / "checkpoints" / "last" / "state.json").read_text())["identity"]
    assert start["data"]["train"] == kept["data"]
    assert start["data"]["train"] != start["data"]["val"]


def test_what_is_not_ours_is_written_over(tmp_path):
    (tmp_path / "environment.json").write_text("{broken")
    record_start(tmp_path, {}, 0, "auto")
    assert len(json.loads((tmp_path / "environment.json").read_text())) == 1


def test_the_commit_and_what_differs_from_it(tmp_path):
    assert commit(tmp_path) is None
    assert commit(tmp_path / "nowhere") is None

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    (tmp_path / "a.py").write_text("1")
    git("add", "a.py")
    git("commit", "-q", "-m", "first")
    found = commit(tmp_path)
    assert len(found["commit"]) == 40
    assert found["changed"] == []
    (tmp_path / "a.py").write_text("2")
    assert commit(tmp_path)["changed"] == ["a.py"]


def test_a_training_records_its_start(trained):
    (only,) = json.loads((trained / "environment.json").read_text())
    assert set(only["data"]) == {"train", "val", "test"}
    assert only["data"]["train"]["samples"] == 8


def test_a_training_records_its_cost(trained):
    cost = json.loads((trained / "cost.json").read_text())
    arguments = df.load(trained / "checkpoints" / "last").parameters
    assert cost["parameters"] == sum(array.size for array in arguments.values())
    assert cost["updates"] == 4
    assert 0 < cost["ms_per_update"] * 4 / 1000 < cost["seconds"]
    assert cost["peak_memory_mib"] > 50


def test_a_training_that_failed_or_did_nothing_has_no_cost(tmp_path):
    state = TrainState(None)
    state.clock.updates = 3
    Cost(tmp_path).fit_ended(state, RuntimeError("it failed"))
    state.clock.updates = 0
    Cost(tmp_path).fit_ended(state, None)
    assert not list(tmp_path.iterdir())


def test_everything_of_a_recipe_s_training_arrives(tiny, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = tiny(out=out, training__epochs=1, training__accumulate=2, training__batch_size=2,
                     training__clip_norm=1.0, training__ema=0.9,
                     training__nonfinite="{policy: skip, limit: 3}",
                     training__freeze="['resnet18_stem*']", training__layer_decay=0.9,
                     training__groups="{'*_gamma': {wd: 0}}",
                     training__callbacks="[{name: csv, path: log.csv}, {name: early_stopping, "
                     "metric: detection/AP}, {name: profiler}]")  # fmt: skip
    arguments += ["--model.heads", "{detection: {strides: [8], channels: 8}}"]
    assert train_det.main(arguments) == 0
    assert (out / "log.csv").read_text().count("\n") == 2
    err = capsys.readouterr().err
    assert "Time of 2 updates" in err
    assert "time: 2 updates of" in err
    state = json.loads((out / "checkpoints" / "last" / "state.json").read_text())
    assert state["accumulate"] == 2
    assert (out / "checkpoints" / "last" / "training.safetensors").exists()
