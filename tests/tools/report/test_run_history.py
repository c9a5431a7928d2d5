import json
from pathlib import Path

import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools.report.run_history import Run, directions, names, read_runs


def line(kind, update, **numbers):
    return {"kind": kind, "update": update, "epoch": 0, "seconds": 1.0, "lr": 0.1, **numbers}


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines or [line("epoch", 1)]))
    return str(path)


def test_folders_and_files(tmp_path):
    write(tmp_path / "a" / "scalars.jsonl", line("epoch", 1))
    write(tmp_path / "a" / "predictions.jsonl", line("epoch", 9))
    write(tmp_path / "b" / "metrics.jsonl", line("epoch", 2))
    write(tmp_path / "c" / "log.jsonl", line("epoch", 3))
    file = write(tmp_path / "d" / "any.txt", line("epoch", 4))
    runs = read_runs([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "c"), file])
    assert [run.name for run in runs] == ["a", "b", "c", "any.txt"]
    assert [run.lines[0]["update"] for run in runs] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a"], ["a"]),
        (["runs/a/", "runs/b"], ["a", "b"]),
        (["x/runs/a", "y/runs/a"], ["x/runs/a", "y/runs/a"]),
        (["a/run", "b/run", "c"], ["a/run", "b/run", "c"]),
        (["run", "a/run"], ["run", "a/run"]),
        (["/a", "/b/a"], ["//a", "b/a"]),
    ],
)
def test_names(paths, expected):
    assert names([Path(path) for path in paths]) == expected


def test_here_has_its_folders_name(tmp_path, monkeypatch):
    (tmp_path / "mine" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "mine" / "below")
    assert names([Path(".")]) == ["below"]
    assert names([Path("..")]) == ["mine"]


def test_what_is_no_run(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "two" / "a.jsonl")
    write(tmp_path / "two" / "b.jsonl")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "scalars.jsonl").write_text("")
    write(tmp_path / "good" / "scalars.jsonl")
    for name, said in (
        ("nowhere", "no such run"),
        ("empty", "no .jsonl file"),
        ("two", "name the file"),
        ("begun", "nothing has been trained"),
    ):
        with pytest.raises(DataError, match=said):
            read_runs([str(tmp_path / name)])
    with pytest.raises(ConfigError, match="No run is given"):
        read_runs([])
    good = str(tmp_path / "good")
    with pytest.raises(ConfigError, match="given twice"):
        read_runs([good, f"{good}/scalars.jsonl"])


def test_the_best_score():
    scores = [None, 0.5, 0.7, 0.7, 0.4]
    run = Run("a", [line("validation", t, key=score) for t, score in enumerate(scores)])
    assert run.best("key", higher=True)["update"] == 2  # the earliest of equals
    assert run.best("key", higher=False)["update"] == 4
    assert run.best("other", higher=True) is None
    assert Run("a", [line("epoch", 1, key=1.0)]).best("key", higher=True) is None


def test_directions_are_those_that_metrics_declare():
    found = directions()
    assert found["mIoU"]
    assert found["AP"]
    assert found["loss"] is found["mae"] is False
    assert "AP50" not in found


@pytest.mark.parametrize("content", [bytes(range(256)), b"[" * 100_000 + b"\n"])
def test_a_file_that_is_no_history_is_told(tmp_path, content):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(DataError, match="a.jsonl"):
        read_runs([str(tmp_path / "a.jsonl")])
