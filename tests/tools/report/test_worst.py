import csv

import numpy as np
import pytest

from densefit.metrics import MAE, Accuracy
from densefit.metrics.core.per_sample import PerSample
from densefit.tools.report.worst import pictured, worst_picture, worst_samples, write_worst

IDS = ["a", "b, c", "d", "e"]


def errors(values=(0.5, 4.0, 1.0, 2.0)):
    metric = PerSample(MAE())
    metric.update(np.array(values), np.zeros(len(values)), IDS[: len(values)])
    return metric


def pair(key):
    """A dark and a light picture."""
    return [np.full((30, 40, 3), level, np.uint8) for level in (60, 200)]


def test_only_metrics_of_single_samples_have_worst_ones():
    assert worst_samples([Accuracy(), errors()], 2) == {"mae": [("b, c", 4.0), ("e", 2.0)]}
    assert worst_samples([errors(())], 2) == {}
    assert worst_samples([errors()], 0) == {}


def test_the_first_number_that_tells_the_samples_apart_is_drawn():
    same, other = [("a", 0.0), ("b", 0.0)], [("c", 2.0), ("a", 1.0)]
    assert pictured({"first": other, "second": other}) == "first"
    assert pictured({"first": same, "second": other}) == "second"
    assert pictured({"first": same, "second": same}) == "first"


def test_the_list_and_the_pictures_are_of_the_worst(tmp_path):
    asked = []

    def pictures(key):
        asked.append(key)
        return pair(key)

    metrics = {"age": [errors()], "other": [Accuracy()], "blind": [errors()]}
    names = {head: f"{head}_worst.png" for head in metrics}
    written = write_worst(tmp_path, metrics, 3, {"age": pictures, "other": pictures}, names)
    assert written == ["worst.csv", "age_worst.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written)
    with open(tmp_path / "worst.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["head", "rank", "id", "number", "value"]
    listed = [["1", "b, c", "mae", "4.0"], ["2", "e", "mae", "2.0"], ["3", "d", "mae", "1.0"]]
    assert rows == [["age", *row] for row in listed] + [["blind", *row] for row in listed]
    assert asked == ["b, c", "e", "d"]


def test_without_worst_samples_nothing_is_written(tmp_path):
    assert write_worst(tmp_path, {"a": [Accuracy()]}, 3, {"a": pair}, {"a": "a.png"}) == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(30, 40), (500, 700), (3000, 200), (1, 1)])
@pytest.mark.parametrize("views", [1, 2, 3])
def test_pictures_of_any_size_and_number_stand_side_by_side(size, views):
    def pictures(key):
        return [np.full((*size, 3), 40 * (1 + index), np.uint8) for index in range(views)]

    found = worst_picture([(key, 0.5) for key in IDS], "mae", pictures)
    assert max(found.shape[:2]) < 6000
    areas = [(found == 40 * (1 + index)).all(axis=2).sum() for index in range(views)]
    assert min(areas) > 0.9 * max(areas) > 1000


def test_small_pictures_are_enlarged_without_smoothing_and_captioned():
    checked = np.zeros((30, 40, 3), np.uint8)
    checked[::2, ::2, 0] = 255
    found = worst_picture([("a", 0.5)], "mae", lambda key: [checked])
    red = (found == (255, 0, 0)).all(axis=2)
    assert red.sum() == (8 * 15) * (8 * 20)
    below = found[np.flatnonzero(red.any(axis=1)).max() + 9 :]
    assert (below < 60).any()  # letters
