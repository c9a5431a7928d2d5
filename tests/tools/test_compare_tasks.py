"""The report, from run folders to tables."""

import json

import pytest

from densefit.tools import compare_tasks


def test_tables_are_printed_and_written(task_run, tmp_path, capsys):
    """+10 % and -20 %: delta-m is -5 %."""
    folders = [
        task_run("both", {"boxes/AP": 0.55, "mask/mIoU": 0.4}),
        task_run("boxes", {"boxes/AP": 0.5}, only=["boxes"]),
        task_run("mask", {"mask/mIoU": 0.5}, only=["mask"]),
    ]
    (folders[0] / "conflict.json").write_text('{"boxes~mask": -0.125}')
    out = tmp_path / "report"
    assert compare_tasks.main([*map(str, folders), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    text = (out / "tasks.md").read_text()
    for said in ("+10.0 %", "-20.0 %", "-5.0 %", "boxes~mask", "-0.1250", "2,000"):
        assert said in shown
        assert said in text
    assert "| network | seeds | boxes/AP (high) | mask/mIoU (high) |" in text
    assert "| alone | 1 | 0.5000 | 0.5000 |" in text
    assert "| both | 1 | 0.5500 | 0.4000 |" in text
    assert "| both | -5.0 % | +10.0 % | -20.0 % |" in text
    found = json.loads((out / "tasks.json").read_text())
    assert round(found["delta_m"]["both"]["mean"], 12) == -0.05
    assert found["delta_m"]["both"]["std"] is None
    assert found["tasks"][1]["change"]["both"] == pytest.approx(-0.2)


def test_a_missing_baseline_is_named(task_run, capsys):
    folders = [
        task_run("both", {"boxes/AP": 0.55, "mask/mIoU": 0.4}),
        task_run("boxes", {"boxes/AP": 0.5}, only=["boxes"]),
    ]
    assert compare_tasks.main([*map(str, folders)]) == 0
    assert "not in delta-m: mask/mIoU" in capsys.readouterr().out


def test_nothing_is_explained_that_is_not_shown(task_run, tmp_path, capsys):
    """One network alone: no sum of all; a network without its tasks: no row of dashes."""
    folders = [
        task_run("both", {"boxes/AP": 0.55, "mask/mIoU": 0.4}),
        task_run("others", {"kind/accuracy": 0.5, "depth/AbsRel": 0.4}, training={"epochs": 9}),
        task_run("boxes", {"boxes/AP": 0.5}, only=["boxes"]),
    ]
    assert compare_tasks.main([*map(str, folders)]) == 0
    shown = capsys.readouterr().out
    assert "all of these" not in shown
    assert "No change for others: there is no single-task score to compare with." in shown
    changes = shown[shown.index("Change against") : shown.index("Cost of")]
    assert "both" in changes
    assert "others" not in changes
    assert compare_tasks.main([*map(str, folders[:2])]) == 0
    shown = capsys.readouterr().out
    assert "Change" not in shown
    assert "delta-m (" not in shown


def test_a_baseline_of_0_is_marked_and_named(task_run, tmp_path, capsys):
    """The mean over the others stays, and says so."""
    folders = [
        task_run("both", {"boxes/AP": 0.55, "mask/mIoU": 0.4}),
        task_run("boxes", {"boxes/AP": 0.0}, only=["boxes"]),
        task_run("mask", {"mask/mIoU": 0.5}, only=["mask"]),
    ]
    out = tmp_path / "report"
    assert compare_tasks.main([*map(str, folders), "--out", str(out)]) == 0
    shown, text = capsys.readouterr().out, (out / "tasks.md").read_text()
    for said in ("delta-m *", "* Not in delta-m, as the score alone is exactly 0: boxes/AP."):
        assert said in shown
        assert said in text
    assert "| both | -20.0 % | - | -20.0 % |" in text
    assert json.loads((out / "tasks.json").read_text())["without"] == ["boxes/AP"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("methods", [1, 4, 7])
@pytest.mark.parametrize("tasks", [3, 6])
def test_any_number_of_methods_and_tasks_has_room(
    task_run, capsys, monkeypatch, width, methods, tasks
):
    monkeypatch.setenv("COLUMNS", str(width))
    keys = [f"pictures/task{n}/abs_rel" for n in range(tasks)]
    folders = []
    for method in range(methods):
        for seed in range(2):
            scores = {key: (100 * method + 10 * n + seed) / 1000 for n, key in enumerate(keys, 1)}
            name = f"balance{method}_{seed}"
            folders.append(task_run(name, scores, seed=seed, training={"method": method}))
    for n, key in enumerate(keys):
        folders.append(task_run(f"alone{n}", {key: 0.3}, only=[f"task{n}"]))
    assert compare_tasks.main([*map(str, folders)]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    table = shown[: shown.index("Change against")]
    for method in range(methods):
        for n in range(1, tasks + 1):
            assert f"{(100 * method + 10 * n + 0.5) / 1000:.4f} +- 0.0007" in table


def test_mistakes_are_told(task_run, capsys):
    assert compare_tasks.main([]) == 2
    assert "No run is given" in capsys.readouterr().err
    assert compare_tasks.main([str(task_run("one", {"boxes/AP": 0.5}))]) == 2
    assert "No run has several tasks" in capsys.readouterr().err
