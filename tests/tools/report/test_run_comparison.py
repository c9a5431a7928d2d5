"""Two runs or more side by side."""

import json
import math

import cv2
import pytest
import yaml

from densefit.errors import ConfigError, DataError
from densefit.tools import compare
from densefit.tools.report.run_comparison import (
    have_equal_heads,
    read_compared,
    score_rows,
    setting_rows,
    validation_rows,
)


@pytest.fixture
def make(tmp_path):
    """Writes a run's folder."""

    def make(name, best, scores=True, heads=("seg",), **training):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        lines = []
        for epoch, value in enumerate((best / 2, best)):
            common = {"update": 5 * (epoch + 1), "epoch": epoch, "seconds": 1.0, "lr": 0.1}
            losses = {f"{head}/loss": 1.0 / (epoch + 1) for head in heads}
            values = {f"{head}/mIoU": value for head in heads}
            lines.append({"kind": "epoch", **common, **losses})
            lines.append({"kind": "validation", **common, **values, "seg/IoU/cat": 0.5})
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / "scalars.jsonl").write_text(text)
        recipe = {"out": name, "training": training, "model": {"heads": dict.fromkeys(heads, {})}}
        (folder / "config.yaml").write_text(yaml.safe_dump(recipe))
        if scores:
            numbers = {"seg/kappa": best, "seg/mIoU": best, "seg/IoU/cat": None, "seg/x": None}
            (folder / "scores.json").write_text(json.dumps(numbers))
            about = {"split": "test", "samples": 7, "primary": {"seg/mIoU": True}}
            (folder / "scored.json").write_text(json.dumps(about))
        return str(folder)

    return make


def test_scores_are_side_by_side_the_primary_first(make):
    runs = read_compared([make("a", 0.5), make("b", 0.75)])
    assert score_rows(runs) == [
        ["score", "a", "b", "change"],
        ["seg/mIoU", "0.5000", "*0.7500", "+0.2500"],
        ["seg/kappa", "0.5000", "0.7500", "+0.2500"],  # no metric of this name is registered
    ]
    assert validation_rows(runs)[1] == ["seg/mIoU", "0.5000 at 10", "*0.7500 at 10"]
    three = read_compared([make("c", 0.5), make("d", 0.75), make("e", 0.6, scores=False)])
    assert score_rows(three)[1] == ["seg/mIoU", "0.5000", "*0.7500", "-"]


def test_settings_that_differ_are_listed(make):
    runs = read_compared([make("a", 0.5, lr=0.1, freeze=None), make("b", 0.5, lr=0.2, freeze=True)])
    assert setting_rows(runs) == [
        ["setting", "a", "b"],
        ["training.freeze", "null", "true"],
        ["training.lr", "0.1", "0.2"],
    ]


def test_runs_of_other_heads_are_tasks_alone_and_together(make):
    runs = read_compared([make("a", 0.5), make("both", 0.5, heads=("seg", "det"))])
    assert not have_equal_heads(runs)
    assert have_equal_heads(runs[:1] * 2)


def test_the_program_prints_tables_and_draws_one_picture(make, tmp_path, capsys):
    out = tmp_path / "new" / "both.png"
    folders = [make("a", 0.5, lr=0.1), make("b", 0.75, lr=0.2)]
    assert compare.main([*folders, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for text in ("test scores, on 7 samples of test", "training.lr", "best validations"):
        assert text in said
    assert "--keys" not in said
    assert cv2.imread(str(out)).std() > 0


def test_equal_runs_say_so_and_other_data_too(make, tmp_path, capsys):
    folders = [make("a", 0.5), make("b", 0.5)]
    about = tmp_path / "b" / "scored.json"
    about.write_text(json.dumps({"split": "val", "samples": 3, "primary": {"seg/mIoU": True}}))
    assert compare.main([*folders, "--out", str(tmp_path / "c.png")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "all settings are equal" in said
    assert "different data: a of 7 samples of test; b of 3 samples of val" in said


def test_what_cannot_be_compared(make, tmp_path):
    with pytest.raises(ConfigError, match="two runs or more"):
        read_compared([make("a", 0.5)])
    with pytest.raises(DataError, match="no such run"):
        read_compared([str(tmp_path / "a"), str(tmp_path / "none")])


def test_undefined_scores_have_no_best(make):
    runs = read_compared([make("a", 0.5), make("b", math.nan)])
    assert score_rows(runs)[1] == ["seg/mIoU", "0.5000", "-", "-"]
