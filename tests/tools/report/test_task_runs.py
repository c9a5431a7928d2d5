"""Runs as their folders tell them."""

import json
import math

import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools.report.task_runs import (
    as_plain,
    common_name,
    grouped,
    read_conflict,
    read_task_run,
    read_task_runs,
)


def test_numbers_that_heads_are_judged_by(task_run):
    folder = task_run("both", {"boxes/AP": 0.5, "mask/mIoU": None}, seed=3)
    (folder / "scores.json").write_text('{"boxes/AP": 0.5, "boxes/AP50": 0.9, "mask/mIoU": null}')
    run = read_task_run(folder, "both")
    assert run.scores["boxes/AP"] == 0.5
    assert math.isnan(run.scores["mask/mIoU"])
    assert run.higher == {"boxes/AP": True, "mask/mIoU": True}
    assert run.heads == ["boxes", "mask"]
    assert run.cost["parameters"] == 1000


def test_runs_of_other_seeds_belong_together(task_run):
    scores = {"boxes/AP": 0.5}
    folders = [
        task_run("a-0", scores, seed=0),
        task_run("other", scores, epochs=9),
        task_run("a-1", scores, seed=1),
    ]
    groups = grouped(read_task_runs([str(folder) for folder in folders]))
    assert [group.name for group in groups] == ["a", "other"]
    assert [run.name for run in groups[0].runs] == ["a-0", "a-1"]


def test_groups_have_names_of_their_own(task_run):
    folders = [task_run(f"run-{i}", {"boxes/AP": 0.5}, seed=i, epochs=1 + i // 2) for i in range(4)]
    groups = grouped(read_task_runs([str(folder) for folder in folders]))
    assert [group.name for group in groups] == ["run-0", "run-2"]


def test_cosines_come_from_their_file_or_from_the_history(task_run):
    folder = task_run("both", {"boxes/AP": 0.5, "mask/mIoU": 0.5})
    assert read_conflict(folder) == {}
    lines = [
        {"kind": "update", "update": n, "seconds": n, "conflict/a~b": cosine, "conflict/x": 1}
        for n, cosine in ((1, 0.5), (2, None), (3, -0.1))
    ]
    (folder / "scalars.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert read_conflict(folder) == {"a~b": pytest.approx(0.2)}
    (folder / "conflict.json").write_text('{"a~b": 0.7, "a~c": null, "norm/a": 3.0}')
    found = read_conflict(folder)
    assert found["a~b"] == 0.7
    assert math.isnan(found["a~c"])
    assert "norm/a" not in found


def test_what_is_no_finished_run_is_told(task_run, tmp_path):
    with pytest.raises(ConfigError, match="No run is given"):
        read_task_runs([])
    folder = task_run("both", {"boxes/AP": 0.5})
    with pytest.raises(ConfigError, match="given twice"):
        read_task_runs([str(folder), str(folder / ".")])
    with pytest.raises(DataError, match=r"no scores\.json"):
        read_task_run(tmp_path, "nothing")
    (folder / "scored.json").write_text('{"split": "test"}')
    with pytest.raises(DataError, match="primary scores"):
        read_task_run(folder, "both")


def test_runs_of_one_recipe_have_the_same_scores(task_run):
    folders = [task_run("a", {"boxes/AP": 0.5}), task_run("b", {"boxes/AP50": 0.5}, seed=1)]
    with pytest.raises(DataError, match="different scores"):
        grouped(read_task_runs([str(folder) for folder in folders]))


def test_names_and_json():
    assert common_name(["runs/x_seed0", "runs/x_seed1"]) == "runs/x_seed"
    assert common_name(["1", "12"]) == "1"
    assert as_plain({"a": (1, math.nan), "b": [math.inf, "c"]}) == {
        "a": [1, None],
        "b": [None, "c"],
    }
