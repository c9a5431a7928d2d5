import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from densefit.checkpoint.weights.load import load
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.errors import ConfigError
from densefit.evaluation.score import score
from densefit.interop import is_installed
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.recipes.checkpoint_settings import settings
from densefit.tools.recipes.data.loaders import score_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.scoring import score_trained, scored_data
from densefit.tools.scoring.score_trained import Scoring, Worst, head_metrics, run
from densefit.visualize.fitted import Fitted


@pytest.fixture
def chosen(trained, tmp_path):
    """Settings of a scoring into a new folder, and the checkpoint."""

    def make(*arguments, out=True):
        given = ["--checkpoint", str(trained), *arguments]
        return settings(Scoring, "", [*given, "--out", str(tmp_path / "out")] if out else given)

    return make


@pytest.fixture
def reads(monkeypatch):
    """Ids of the samples that are read."""
    read = []

    def counting(data, split):
        dataset = make_dataset(data, split)
        get = type(dataset).__getitem__

        class Counting(type(dataset)):
            def __getitem__(self, index):
                read.append(self.id_of(index))
                return get(self, index)

        dataset.__class__ = Counting
        return dataset

    monkeypatch.setattr(scored_data, "make_dataset", counting)
    return read


def names(folder):
    return {path.name for path in folder.iterdir()}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def targets_of(settings_):
    dataset = make_dataset(settings_.data, "test")
    return [dataset[index].targets for index in range(len(dataset))]


def test_everything_is_written_and_the_numbers_are_those_of_score(chosen, tmp_path, capsys):
    settings_, place = chosen()
    found = run(settings_, place)
    network = load(place)
    loader = score_loader(settings_, make_dataset(settings_.data, "test"), settings_.data)
    assert found == pytest.approx(score(network, loader), abs=0, nan_ok=True)
    out = tmp_path / "out"
    stored = json.loads((out / "scores.json").read_text())
    assert stored == {key: None if np.isnan(value) else value for key, value in found.items()}
    assert {
        *("scored.json", "worst.csv", "detection_classes.csv", "segmentation_classes.csv"),
        *("detection_precision_recall.csv", "detection_precision_recall.png"),
        *("segmentation_confusion.csv", "segmentation_confusion.png"),
        *("detection_worst.png", "segmentation_worst.png", "kind_worst.png"),
    } <= names(out)
    for path in out.glob("*.png"):
        assert cv2.imread(str(path)).std() > 0
    about = json.loads((out / "scored.json").read_text())
    assert (about["split"], about["samples"], about["flip"]) == ("test", 8, False)
    assert Path(about["checkpoint"]) == place
    shown = capsys.readouterr()
    assert shown.err == ""
    assert re.search(r"^\d+ images in .+ images/s: data \d+ %, network \d+ %", shown.out, re.M)
    assert max(map(len, shown.out.partition("wrote to")[0].splitlines())) <= 80 + len(str(place))
    tables = json.loads((out / "classes.json").read_text())
    assert set(tables) == {"detection", "segmentation", "kind"}
    boxes = [dataset_targets["classes"] for dataset_targets in targets_of(settings_)]
    circle = tables["detection"]["classes"]["circle"]
    assert circle["objects"] == sum(int((own == 0).sum()) for own in boxes)
    assert circle["images"] == sum(bool((own == 0).any()) for own in boxes)
    assert circle["AP"] == stored["detection/AP/circle"]
    kinds = tables["kind"]
    assert np.sum(kinds["confusion"]["counts"]) == 8
    right = sum(row["right"] for row in kinds["classes"].values())
    assert right / 8 == stored["kind/accuracy"]
    (row,) = [row for row in rows(out / "detection_classes.csv") if row["class"] == "circle"]
    assert int(row["objects"]) == circle["objects"]
    assert about["time"]["images_per_second"] > 0
    assert "detection, by class" in shown.out
    assert shown.out.count("circle") == 4  # a line of each head, and of the confusions


def test_the_worst_are_in_order_and_only_they_are_read_again(chosen, reads, tmp_path):
    run(*chosen("--worst", "2"))
    listed = rows(tmp_path / "out" / "worst.csv")
    assert {row["head"] for row in listed} == {"detection", "segmentation", "kind"}
    values = [float(row["value"]) for row in listed if row["number"] == "mIoU"]
    assert values == sorted(values)
    assert len(values) == 2
    first, again = reads[:8], reads[8:]
    assert len(set(first)) == 8
    assert len(again) <= 2 * 2 * 3  # for each head twice: predicted, drawn
    assert set(again) <= {row["id"] for row in listed}


def test_truth_and_prediction_of_the_worst_are_those_of_the_sample(chosen):
    settings_, place = chosen()
    network = load(place)
    dataset = make_dataset(settings_.data, "test")
    metric = PerSample(network.heads[1].metrics()[0])
    masks = {dataset.id_of(index): dataset[index].targets["mask"] for index in range(8)}
    metric.update(list(masks.values()), list(masks.values()), list(masks))
    worst = Worst(network, dataset, settings_.loader, {"segmentation": [metric]}, 1)
    ((key, _),) = metric.worst(1)
    truth, prediction = worst.pictures("segmentation", key)
    place = list(masks).index(key)
    image, fitted = dataset[place].image, Fitted((64, 80), (256, 320))
    expected = network.heads[1].draw_truth(fitted.image(image), fitted(masks[key]))
    np.testing.assert_array_equal(truth, expected)
    assert prediction.shape == truth.shape
    assert (prediction != truth).any()


def test_a_bootstrap_needs_no_folder(chosen, tmp_path, capsys):
    found = run(*chosen("--bootstrap", "20", "--seed", "3", out=False))
    assert found["segmentation/mIoU.low"] <= found["segmentation/mIoU"]
    assert found["segmentation/mIoU"] <= found["segmentation/mIoU.high"]
    assert "kind/accuracy.low" in found
    assert " to " in capsys.readouterr().out
    assert not names(tmp_path)


def test_views_are_merged_for_the_scores_and_for_the_pictures(chosen, tmp_path):
    run(*chosen("--flip", "true", "--worst", "1"))
    about = json.loads((tmp_path / "out" / "scored.json").read_text())
    assert (about["flip"], about["scales"], about["resize"]) == (True, [1.0], "letterbox")
    assert (tmp_path / "out" / "segmentation_worst.png").exists()


def test_pictures_are_scored_and_drawn_at_their_own_size(chosen, tmp_path):
    settings_, place = chosen("--resize", "none", "--worst", "1")
    found = run(settings_, place)
    dataset = make_dataset(settings_.data, "test")
    own = score(load(place), OriginalSizeLoader(dataset, batch_size=1, workers=0))
    # PyTorch's sums depend on where the arrays lie in memory.
    assert found == pytest.approx(own, rel=0, abs=0 if is_installed else 1e-6, nan_ok=True)
    assert json.loads((tmp_path / "out" / "scored.json").read_text())["resize"] == "none"
    assert "segmentation_worst.png" in names(tmp_path / "out")


def test_whole_pictures_have_one_view(chosen):
    settings_, place = chosen("--resize", "none", "--flip", "true")
    with pytest.raises(ConfigError, match="looked at once"):
        run(settings_, place)


def test_single_samples_are_judged_only_where_that_is_used(trained):
    network = load(trained / "checkpoints" / "last")
    for each, states in ((False, False), (True, False), (True, True), (False, True)):
        found = [metric for own in head_metrics(network, each, states).values() for metric in own]
        assert [isinstance(metric, PerSample) for metric in found] == [each or states] * len(found)
        if each or states:
            assert {metric.keep_states for metric in found} == {states}


@pytest.mark.parametrize("setting", ["--bootstrap", "--worst"])
def test_numbers_of_things_are_not_negative(trained, capsys, setting):
    assert score_trained.main(["--checkpoint", str(trained), setting, "-1"]) == 2
    assert "0 or more" in capsys.readouterr().err
