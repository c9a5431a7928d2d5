import json
import logging
import sys
from math import nan

import cv2
import pytest

from densefit.callbacks import Control, Curves, TrainState, plot_curves
from densefit.callbacks.curve_series import main_keys, of_one_magnitude, series
from densefit.callbacks.jsonl import read_lines
from densefit.errors import ConfigError


def line(kind, update, **numbers):
    common = {"kind": kind, "update": update, "epoch": 0, "seconds": update, "lr": 0.1 / update}
    return {**common, **{key.replace("_", "/"): value for key, value in numbers.items()}}


LINES = [
    *(line("update", t, det_loss=90 / t, seg_loss=1 / t) for t in range(1, 40)),
    *(line("epoch", t, det_loss=90 / t, seg_loss=None) for t in (20, 40)),
    *(line("validation", t, seg_mIoU=t / 50, seg_IoU_cat=0.1, seg_loss=1.0) for t in (20, 40)),
]


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in LINES))
    return path


def without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


def test_a_picture_is_drawn_when_training_ends(history, tmp_path):
    callback = Curves(tmp_path)
    callback.fit_started(TrainState(None), Control())
    callback.fit_ended(
        TrainState(None, update=1), RuntimeError("it failed, and the picture is there")
    )
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture.shape == (1080, 1320, 3)
    colours = {tuple(pixel) for row in picture[::3, ::3] for pixel in row.tolist()}
    assert len(colours) > 20  # lines have been drawn


def test_no_axis_title_is_cut_off(tmp_path):
    """Long numbers beside one axis and short ones beside another; a score far above the others."""
    path = tmp_path / "log"
    common = {"update": 1, "epoch": 0, "seconds": 1.0, "lr": 0.00012}
    lines = [
        {"kind": kind, **common, "update": t, "a/loss": 0.5, "a/AP": 0.5, "a/SILog": 12345.0}
        for t in (1, 2)
        for kind in ("epoch", "validation")
    ]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    plot_curves(path, tmp_path / "a.png")
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert (picture[:, :2] == 255).all()
    assert (picture[:, -2:] == 255).all()
    assert picture.shape[0] == 1080 + 450  # a panel more


def test_scores_of_several_magnitudes_have_panels_of_their_own():
    grouped = of_one_magnitude({"a": [0.5], "b": [nan, 30.0], "c": [-2.0], "d": [500.0], "e": []})
    assert grouped == [["a", "c", "e"], ["b"], ["d"]]
    assert of_one_magnitude({}) == []


def test_no_window_system_is_touched(history, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    plot_curves(history, tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize("kind", ["update", "epoch", "validation"])
def test_a_history_of_one_kind(tmp_path, kind):
    path = tmp_path / "log"
    path.write_text(json.dumps(line(kind, 1, a_loss=None)) + "\n")
    plot_curves(path, tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_what_is_drawn(history):
    lines = read_lines(history)
    assert main_keys(lines, ("update", "epoch")) == ["det/loss", "seg/loss"]
    assert main_keys(lines, ("validation",)) == ["seg/mIoU", "seg/loss"]
    assert series(lines, "seg/mIoU", "validation") == ([20, 40], [0.4, 0.8])
    assert str(series(lines, "seg/loss", "epoch")) == "([20, 40], [nan, nan])"
    assert len(series(lines, "lr")[0]) == len(LINES)


def test_numbers_of_several_datasets_are_drawn(tmp_path):
    path = tmp_path / "log"
    lines = [
        {"kind": "epoch", "boxes/loss": 1.0},
        {"kind": "validation", "cells/boxes/AP": 0.5, "cells/boxes/AP/cat": 0.4, "composite": 0.5},
    ]
    common = {"update": 1, "epoch": 0, "seconds": 1.0, "lr": 0.1}
    path.write_text("".join(json.dumps({**common, **line}) + "\n" for line in lines))
    found = read_lines(path)
    assert main_keys(found, ("validation",)) == ["cells/boxes/AP", "composite"]


@pytest.mark.filterwarnings("error")
def test_many_numbers_make_a_taller_picture(tmp_path):
    path = tmp_path / "log"
    numbers = {f"head/number{n}": n for n in range(60)}
    line = {"kind": "epoch", "update": 1, "epoch": 0, "seconds": 1.0, "lr": 0.1, **numbers}
    path.write_text(json.dumps(line) + "\n")
    assert plot_curves(path, tmp_path / "a.png") == [tmp_path / "a.png"]
    assert cv2.imread(str(tmp_path / "a.png")).shape[0] > 1500


def test_several_heads_have_a_figure_each(history, tmp_path):
    written = plot_curves(history, tmp_path / "a.png")
    assert written == [
        tmp_path / "a.png",
        *(tmp_path / "curves" / f"{n}.png" for n in ("det", "seg")),
    ]


def test_classes_have_a_figure(tmp_path):
    values = {"a_mIoU": 0.4, "a_IoU_cat": 0.3, "a_IoU_dog": 0.5}
    for count, named in ((1, []), (2, ["classes.png"])):
        path = tmp_path / f"log{count}"
        lines = [line("validation", t + 1, **values) for t in range(count)]
        path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
        written = plot_curves(path, tmp_path / "a.png", ["a/mIoU"], {"a/mIoU": True})
        assert [file.name for file in written[1:]] == named  # a point is no curve


def test_without_matplotlib_training_goes_on_with_a_hint(history, tmp_path, monkeypatch, caplog):
    without_matplotlib(monkeypatch)
    with caplog.at_level(logging.WARNING, logger="densefit"):
        callback = Curves(tmp_path)
        callback.fit_started(TrainState(None), Control())
        assert "pip install densefit[plot]" in caplog.text
        callback.fit_ended(TrainState(None), None)
    assert not (tmp_path / "curves.png").exists()
    with pytest.raises(ConfigError, match="matplotlib"):
        plot_curves(history, tmp_path / "curves.png")


def test_without_a_history_there_is_a_hint_and_no_error(tmp_path, caplog):
    Curves(tmp_path).fit_ended(TrainState(None, epoch=1), None)
    assert "no history" in caplog.text
    assert "JSONLines" in caplog.text
    with pytest.raises(ConfigError, match="no history"):
        plot_curves(tmp_path / "nothing", tmp_path / "a.png")


def test_counts_and_weights_do_not_press_the_losses_into_a_corner(tmp_path):
    for name, more in (("plain", {}), ("more", {"det_labelled": 5000.0, "det_loss_weight": 0.5})):
        lines = [line("epoch", t, det_loss=2.0 / t, **more) for t in (1, 2, 3)]
        for one in lines:
            if "det/loss/weight" in one:
                one["det/loss_weight"] = one.pop("det/loss/weight")
        (tmp_path / name).write_text("".join(f"{json.dumps(one)}\n" for one in lines))
        plot_curves(tmp_path / name, tmp_path / f"{name}.png")
    first, second = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("plain", "more"))
    assert first.shape[1] == second.shape[1]
    # The panel of the losses is the same, line and legend.
    assert (first[:300] == second[:300]).mean() > 0.99


def test_of_a_training_that_failed_before_its_first_update_nothing_is_said(tmp_path, caplog):
    Curves(tmp_path).fit_ended(TrainState(None), ValueError("no data"))
    assert not caplog.records


def test_of_a_training_that_was_ended_in_its_first_epoch_nothing_is_said(tmp_path, caplog):
    Curves(tmp_path).fit_ended(TrainState(None, update=3), None)
    assert not caplog.records
