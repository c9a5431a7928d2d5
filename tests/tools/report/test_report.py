import csv
import json
import math
import sys

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.metrics import Accuracy, ConfusionMatrix, VOCAveragePrecision
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.report.report import report, write_scores

CLASSES = ["sky", "a, b", "absent"]


def segmented(wrap=lambda metric: metric, seed=0):
    """mIoU of 6 pictures; the last class is neither true nor predicted."""
    rng = np.random.default_rng(seed)
    metric = wrap(ConfusionMatrix(CLASSES))
    truth, noise = rng.integers(0, 2, (2, 6, 8, 8))
    found = np.where(
        rng.random(truth.shape) < np.linspace(0.1, 0.9, 6)[:, None, None], truth, noise
    )
    metric.update(found, truth, [f"p{index}" for index in range(6)])
    return metric


def kept(metric):
    return PerSample(metric, keep_states=True)


def detected(**settings):
    metric = VOCAveragePrecision(["cat", "dog"], **settings)
    boxes = np.array([[0, 0, 9, 9], [20, 20, 40, 40.0]])
    scores = np.array([0.9, 0.8])
    prediction = {"boxes": boxes, "scores": scores, "classes": np.array([0, 1])}
    metric.update([prediction], [{"boxes": boxes, "classes": np.array([0, 0])}], ["a"])
    return metric


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_numbers_without_heads_are_flat_and_exact(tmp_path, capsys):
    metric = segmented()
    found = report(tmp_path / "new", {"": [metric]}, "x", {"samples": 6, "what": "é"})
    assert found == pytest.approx(metric.compute(), abs=0, nan_ok=True)
    stored = json.loads((tmp_path / "new" / "scores.json").read_text(encoding="utf-8"))
    assert stored.keys() == found.keys()
    assert stored["mIoU"] == found["mIoU"]
    assert stored["IoU/absent"] is None
    about = json.loads((tmp_path / "new" / "scored.json").read_text(encoding="utf-8"))
    assert about == {"samples": 6, "what": "é"}
    header, *rows = read(tmp_path / "new" / "classes.csv")
    assert header[:2] == ["class", "IoU"]
    assert [row[0] for row in rows] == CLASSES
    assert float(rows[1][1]) == found["IoU/a, b"]
    assert rows[2][1] == ""
    assert names(tmp_path / "new") == {
        *("scores.json", "scored.json", "classes.csv", "confusion.csv", "confusion.png")
    }
    assert "confusion.png" in capsys.readouterr().out


def test_heads_name_keys_and_files(tmp_path):
    metrics = {"seg": [segmented()], "det": [detected(), detected(key="m07", class_key="AP07")]}
    found = report(tmp_path, metrics, "x", {})
    assert {"seg/mIoU", "det/mAP", "det/m07", "det/AP07/cat"} <= found.keys()
    first, second = "det_precision_recall", "det_precision_recall_voc_ap"
    tables = {"seg_classes.csv", "det_classes.csv"}
    details = {
        f"{name}.{kind}" for name in (first, second, "seg_confusion") for kind in ("csv", "png")
    }
    assert names(tmp_path) == {"scores.json", "scored.json", *tables, *details}


def test_a_bootstrap_gives_intervals_of_what_is_no_class_s_own(tmp_path, capsys):
    metrics = {"seg": [segmented(kept)], "kind": [Accuracy()]}
    found = report(tmp_path, metrics, "x", {}, bootstrap=50, seed=3)
    assert found["seg/mIoU.low"] < found["seg/mIoU"] < found["seg/mIoU.high"]
    assert not [key for key in found if key.endswith(".low") and key.count("/") > 1]
    assert "kind/accuracy.low" not in found
    stored = json.loads((tmp_path / "scores.json").read_text())
    assert stored["seg/mIoU.high"] == found["seg/mIoU.high"]
    about = json.loads((tmp_path / "scored.json").read_text())
    assert about["bootstrap"] == {"resamples": 50, "level": 0.95, "seed": 3}
    shown = capsys.readouterr()
    assert f"{found['seg/mIoU.low']:.4f} to {found['seg/mIoU.high']:.4f}" in shown.out
    assert shown.err == ""
    again = report(None, metrics, "x", {}, bootstrap=50, seed=3)
    assert again == pytest.approx(found, abs=0, nan_ok=True)
    assert report(None, metrics, "x", {}, bootstrap=50, seed=4) != pytest.approx(found, nan_ok=True)


def test_the_worst_samples_are_listed_and_drawn(tmp_path):
    asked = []

    def pictures(key):
        asked.append(key)
        return [np.zeros((20, 30, 3), np.uint8)] * 2

    metric = segmented(PerSample)
    report(tmp_path, {"seg": [metric]}, "x", {}, worst=2, pictures=pictures)
    assert asked == [key for key, _ in metric.worst(2)]
    assert read(tmp_path / "worst.csv")[1][:3] == ["seg", "1", asked[0]]
    assert (tmp_path / "seg_worst.png").exists()
    report(tmp_path, {"seg": [metric]}, "x", {}, worst=1, pictures={"other": pictures})
    assert len(asked) == 2


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report(None, {"": [segmented(PerSample)]}, "a title", {})
    assert not names(tmp_path)
    assert "a title" in capsys.readouterr().out


def test_without_matplotlib_the_tables_are_there_and_the_plots_are_not(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    report(tmp_path, {"": [segmented()]}, "x", {})
    assert {"confusion.csv", "classes.csv"} <= names(tmp_path)
    assert not list(tmp_path.glob("*.png"))
    assert "pip install densefit[plot]" in capsys.readouterr().out


def test_metrics_of_one_name_clash():
    with pytest.raises(ConfigError, match="Two metrics of the head 'a' are called 'accuracy'"):
        report(None, {"a": [Accuracy(), Accuracy()]}, "x", {})


def test_the_json_is_json(tmp_path):
    write_scores(tmp_path, {"a": math.inf, "b": math.nan, "c": 0.1}, {"split": "val"})
    assert json.loads((tmp_path / "scores.json").read_text()) == {"a": None, "b": None, "c": 0.1}


def test_the_files_are_there_when_nobody_reads_what_is_printed(tmp_path, monkeypatch):
    def gone(*_):
        raise BrokenPipeError

    monkeypatch.setattr("densefit.tools.report.report.print_scores", gone)
    with pytest.raises(BrokenPipeError):
        report(tmp_path, {"": [segmented(kept)]}, "x", {}, worst=2)
    assert {"scores.json", "scored.json", "classes.csv", "worst.csv"} <= names(tmp_path)
