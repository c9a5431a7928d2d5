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
    assert "| boxes/AP | high | 0.5000 | 0.5500 | +10.0 % |" in text
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


def test_mistakes_are_told(task_run, capsys):
    assert compare_tasks.main([]) == 2
    assert "No run is given" in capsys.readouterr().err
    assert compare_tasks.main([str(task_run("one", {"boxes/AP": 0.5}))]) == 2
    assert "No run is of several tasks" in capsys.readouterr().err
