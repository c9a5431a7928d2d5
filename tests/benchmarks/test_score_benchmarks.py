"""The benchmarks of metrics and scoring run at their smallest size."""

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import forked

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(name, monkeypatch, capsys, *arguments):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(importlib.import_module("side_by_side"), "subprocess", forked)
    module = importlib.import_module(name)
    module.main(["--smallest", *arguments])
    return module, capsys.readouterr().out


@pytest.mark.mxnet
def test_metrics_speed_agrees_with_pycocotools_and_prints_three_tables(monkeypatch, capsys):
    _, out = run("metrics_speed", monkeypatch, capsys)
    titles = ("COCO box AP: 10 images", "Confusion matrix: 64x128", "Scoring 2 pictures of 32x64")
    assert [title in out for title in titles] == [True] * 3
    differences = re.findall(r"^\W*densefit  .*?(\S+e[-+]\d\d)", out, re.M)
    assert len(differences) == 2
    assert max(map(float, differences)) < 1e-12


@pytest.mark.mxnet
def test_score_memory_prints_a_line_for_each_count(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("score_memory")
    assert module.peak(2, (32, 32)) > 0
    commands = []

    def run_process(command, **settings):
        commands.append(command)
        return SimpleNamespace(stdout="100.5\n")

    monkeypatch.setattr(module.subprocess, "run", run_process)
    module.main(["--smallest"])
    assert [command[2:4] for command in commands] == [["--one", "2"], ["--one", "4"]]
    assert capsys.readouterr().out.count("100.5 MiB, 1.000 of the first") == 2


@pytest.mark.mxnet
def test_score_speed_measures_densefit_by_both_engines(monkeypatch, capsys):
    _, out = run("score_speed", monkeypatch, capsys)
    assert "camvid, 2 pictures" in out
    rows = re.findall(r"^densefit(.*?) +\d+\.\d\d +(0\.\d{5}) +(\S+)x +(\S+)x$", out, re.M)
    assert [(name, *ratios) for name, _, *ratios in rows] == [
        ("", "1.00", rows[0][3]),
        (", engine torch", rows[1][2], "1.00"),
    ]
    assert float(rows[0][1]) == pytest.approx(float(rows[1][1]), abs=1e-3)
    module = importlib.import_module("score_speed")
    assert module.main([]) is None  # without data there is nothing to measure
    with pytest.raises(SystemExit):
        module.main(["--unknown"])
