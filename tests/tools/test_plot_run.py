import json
import sys

import cv2
import numpy as np
import pytest

from densefit.tools import plot_run
from densefit.tools.report.run_history import Run
from densefit.tools.report.run_scores import chosen_keys


@pytest.fixture(autouse=True)
def _no_drawing():
    """Plots are drawn."""


def history(best, epochs=4, scores=None, **more):
    """The lines of a run whose mIoU and mae are `best` in epoch 3 of 4."""
    lines = []
    for epoch in range(epochs):
        update = 10 * (epoch + 1)
        common = {"epoch": epoch, "seconds": 60.0 * update, "lr": 0.1 / update}
        part = 1 - 0.1 * abs(epoch - 2)
        loss = {"seg/loss": 90.0 / update, "seg/dice": 1.0}
        lines.append({"kind": "update", "update": update - 5, **common, "seg/loss": 1.0})
        lines.append({"kind": "epoch", "update": update, **common, **loss})
        own = {
            "seg/mIoU": best * part,
            "seg/mae": best / part,
            "seg/extra": best * part,
            "seg/IoU/cat": best,
            "seg/IoU/dog": None,
            **(scores or {}),
        }
        lines.append({"kind": "validation", "update": update, **common, **own})
    return lines


@pytest.fixture
def runs(tmp_path):
    """Folders of two runs, the first with the better mIoU and the worse mae."""
    folders = []
    for name, best in (("first", 0.8), ("second", 0.6)):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        (folder / "scalars.jsonl").write_text("".join(f"{json.dumps(x)}\n" for x in history(best)))
        folders.append(str(folder))
    return folders


def rows(text, key):
    """The cells of a number's rows in the printed table."""
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines()]
    start = next(place for place, row in enumerate(cells) if row[0].startswith(key))
    return cells[start : start + 2]


def test_the_best_scores_are_told_with_their_epochs(runs, tmp_path, capsys):
    out = tmp_path / "new" / "compare.png"
    assert plot_run.main([*runs, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert rows(said, "seg/mIoU") == [
        ["seg/mIoU ↑", "first", "*0.8000", "3", "30", "0.7200"],
        ["", "second", "0.6000", "3", "30", "0.5400"],
    ]
    assert rows(said, "seg/mae") == [
        ["seg/mae ↓", "first", "0.8000", "3", "30", "0.8889"],
        ["", "second", "*0.6000", "3", "30", "0.6667"],
    ]
    assert ["first", "4", "40", "40:00", "0.0025"] in rows(said, "first")
    assert "other scores, for --keys: seg/extra\n" in said
    assert f"wrote {out}" in said
    assert "?" not in said
    picture = cv2.imread(str(out))
    for bgr in ((180, 119, 31), (14, 127, 255)):  # blue and orange: a colour for each run
        assert (np.abs(picture.astype(int) - bgr).max(axis=2) < 30).sum() > 500


def test_chosen_numbers(runs, tmp_path, capsys):
    out = ["--out", str(tmp_path / "a.png"), "--by", "time"]
    assert plot_run.main([*runs, *out, "--keys", "seg/IoU/*", "*extra", "seg/dice"]) == 0
    said = capsys.readouterr().out
    assert rows(said, "seg/IoU/cat")[0][:3] == ["seg/IoU/cat ↑?", "first", "*0.8000"]
    assert rows(said, "seg/extra")[0][0] == "seg/extra ↑?"
    assert "mIoU" not in said
    assert "--lower PATTERN" in said
    assert plot_run.main([*runs, *out, "--keys", "*extra", "--lower", "*/extra"]) == 0
    said = capsys.readouterr().out
    assert rows(said, "seg/extra")[1] == ["", "second", "*0.4800", "1", "10", "0.5400"]
    assert "--lower PATTERN" not in said


def test_what_is_compared_by_default():
    assert chosen_keys([Run("a", history(1.0))], []) == (["seg/loss"], ["seg/mIoU", "seg/mae"])
    unknown = [
        {"kind": "update", "update": 1, "epoch": 0, "seconds": 1.0, "lr": 0.1, "a/x": 1.0},
        {"kind": "validation", "update": 1, "epoch": 0, "seconds": 1.0, "lr": 0.1, "a/y": 1.0},
    ]
    assert chosen_keys([Run("a", unknown)], []) == (["a/x"], ["a/y"])


def test_one_run_without_validation(tmp_path, capsys):
    path = tmp_path / "log.jsonl"
    lines = [one for one in history(1.0) if one["kind"] == "update"]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    assert plot_run.main([str(path), "--out", str(tmp_path / "a.png")]) == 0
    assert "no validation scores" in capsys.readouterr().out


def test_a_run_that_lacks_a_score_and_many_panels(runs, tmp_path, capsys):
    many = {f"seg/number{index}": float(index) for index in range(20)}
    other = tmp_path / "other.jsonl"
    lines = history(0.7, scores=many, epochs=1)
    other.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    out = tmp_path / "a.png"
    assert plot_run.main([*runs, str(other), "--out", str(out), "--keys", "*/number*"]) == 0
    said = capsys.readouterr().out
    assert rows(said, "seg/number3")[0][1:] == ["first", "-", "-", "-", "-"]
    assert "validation seg/number14, validation seg/number15" in said.replace("\n", " ")
    assert cv2.imread(str(out)).std() > 0


def test_the_history_of_a_training_of_ours(trained, tmp_path, capsys):
    assert plot_run.main([str(trained), "--out", str(tmp_path / "a.png")]) == 0
    said = capsys.readouterr().out
    assert "segmentation/mIoU ↑" in said
    assert "*" not in said  # of one run none is the best


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "No run is given"),
        (["nowhere"], 1, "no such run"),
        (["--key", "x"], 2, "--help lists all settings"),
        (["--by", "moon"], 2, "--help lists all settings"),
    ],
)
def test_mistakes_are_told_without_a_traceback(capsys, arguments, code, said):
    assert plot_run.main(arguments) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown


def test_a_pattern_that_matches_nothing_is_an_error(runs, capsys):
    assert plot_run.main([*runs, "--keys", "seg/mIuO"]) == 2
    assert "did you mean 'seg/mIoU'" in capsys.readouterr().err


def test_without_matplotlib_the_table_is_printed_and_the_hint(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert plot_run.main([*runs, "--out", str(tmp_path / "a.png")]) == 2
    shown = capsys.readouterr()
    assert "seg/mIoU" in shown.out
    assert "pip install densefit[plot]" in shown.err


def test_a_picture_of_no_known_kind_is_told(runs, tmp_path, capsys):
    assert plot_run.main([*runs, "--out", str(tmp_path / "a.json")]) == 2
    assert "a.json" in capsys.readouterr().err
