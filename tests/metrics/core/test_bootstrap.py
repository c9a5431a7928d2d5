import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError
from densefit.metrics import MAE, Accuracy, ConfusionMatrix, Mean, PerSample, VOCAveragePrecision
from densefit.metrics.core import bootstrap
from densefit.metrics.core.bootstrap import confidence_intervals, resample


def of_numbers(values, ids=None):
    metric = PerSample(Mean(), keep_states=True)
    ids = [f"{i:04d}" for i in range(len(values))] if ids is None else ids
    metric.update(np.asarray(values, float), None, ids)
    return metric


def test_the_mean_of_numbers_has_the_normal_interval():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = confidence_intervals(of_numbers(values), resamples=4000)["mean"]
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.06 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.06 * half)
    narrow = confidence_intervals(of_numbers(values), resamples=4000, level=0.5)["mean"]
    assert narrow[1] - narrow[0] == pytest.approx(2 * half * 0.6745 / 1.96, rel=0.06)


def test_intervals_cover_the_truth_as_often_as_they_say():
    r = np.random.default_rng(1)
    covered = 0
    for dataset in range(150):
        values = r.normal(size=40)
        low, high = confidence_intervals(of_numbers(values), 200, level=0.8, seed=dataset)["mean"]
        covered += low <= 0.0 <= high
    assert 0.70 <= covered / 150 <= 0.87


class Spy(Mean):
    """Keeps its samples, and the counts that it is asked for."""

    asked = []

    def reset(self):
        super().reset()
        self.kept = {}

    def update(self, predictions, targets, ids):
        super().update(predictions, targets, ids)
        self.kept.update(zip(ids, predictions))

    def resampled(self, counts):
        self.asked.append(dict(counts))
        total = sum(count * self.kept[key] for key, count in counts.items())
        return {"mean": total / sum(counts.values()) if counts else math.nan}


def test_the_interval_is_of_resamples_as_large_as_the_dataset():
    Spy.asked = []
    metric = PerSample(Spy())
    values = dict(zip("edcba", [5.0, 1.0, 4.0, 2.0, 2.5]))
    metric.update(np.array(list(values.values())), None, list(values))
    found = confidence_intervals(metric, resamples=300, level=0.9, seed=7)
    drawn = [counts for counts in Spy.asked if counts]
    assert len(drawn) == 300
    assert all(sum(counts.values()) == 5 and min(counts.values()) > 0 for counts in drawn)
    often = sum(counts.get("a", 0) for counts in drawn) / 300
    assert often == pytest.approx(1.0, abs=0.2)
    means = [
        np.mean([values[key] for key in counts for _ in range(counts[key])]) for counts in drawn
    ]
    assert found["mean"] == pytest.approx(tuple(np.percentile(means, [5, 95])), rel=1e-12)
    # The sums of the samples' states give the same.
    added = of_numbers(list(values.values()), list(values))
    assert confidence_intervals(added, 300, 0.9, 7)["mean"] == pytest.approx(found["mean"])


def test_seed_decides_and_order_does_not():
    values = np.random.default_rng(2).random(30)
    ids = [f"{i}" for i in range(30)]
    order = np.random.default_rng(3).permutation(30)
    first = confidence_intervals(of_numbers(values, ids), 50)
    again = confidence_intervals(of_numbers(values[order], [ids[i] for i in order]), 50)
    assert first == again
    assert first != confidence_intervals(of_numbers(values, ids), 50, seed=1)


def pixels(n, seed=0):
    r = np.random.default_rng(seed)
    metric = PerSample(ConfusionMatrix(list("abcd")), keep_states=True)
    prediction, target = r.integers(0, 3, (2, n, 6, 6))
    prediction[1:, 0, 0] %= 2
    metric.update(prediction, target, [f"{i:02d}" for i in range(n)])
    return metric, prediction, target


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=7, max_size=7), st.integers(0, 5))
def test_sums_of_counts_are_exact(row, seed):
    metric, prediction, target = pixels(7, seed)
    literal = ConfusionMatrix(list("abcd"))
    places = np.repeat(np.arange(7), row)
    literal.update(prediction[places], target[places], [str(i) for i in range(len(places))])
    (numbers,) = resample(metric, np.array([row]))
    np.testing.assert_equal(numbers, literal.compute())


def test_merging_gives_what_adding_gives():
    class Merged(ConfusionMatrix):
        additive = False

    metric, prediction, target = pixels(9)
    merged = PerSample(Merged(list("abcd")), keep_states=True)
    merged.update(prediction, target, list(metric.values))
    one, other = (confidence_intervals(each, resamples=40) for each in (metric, merged))
    np.testing.assert_equal(one, other)


def test_blocks_do_not_matter(monkeypatch):
    metric, _, _ = pixels(9)
    numbers = of_numbers(np.random.default_rng(4).random(11))
    whole = [confidence_intervals(each, resamples=23) for each in (metric, numbers)]
    monkeypatch.setattr(bootstrap, "_ENTRIES", 40)  # 2 rows of the matrix, 20 of the mean's state
    parts = [confidence_intervals(each, resamples=23) for each in (metric, numbers)]
    assert np.isnan(whole[0]["IoU/d"]).all()
    for one, other in zip(whole, parts):
        for key in one:
            np.testing.assert_allclose(one[key], other[key], rtol=1e-12)


def test_what_is_undefined_is_left_out():
    metric = PerSample(ConfusionMatrix(["road", "cow", "sheep"]), keep_states=True)
    target = np.zeros((4, 2, 2), int)
    prediction = target.copy()
    target[0] = 1
    prediction[0] = [[1, 1], [0, 0]]
    metric.update(prediction, target, list("abcd"))
    found = confidence_intervals(metric, resamples=200)
    assert found["IoU/cow"] == (0.5, 0.5)  # of the resamples that have a cow
    assert np.isnan(found["IoU/sheep"]).all()
    assert found["IoU/road"][1] == 1.0


def test_a_sample_that_is_not_drawn_does_not_matter():
    metric = of_numbers([1.0, np.nan, np.inf, 3.0])
    counts = np.array([[1, 0, 0, 3], [1, 1, 0, 0], [0, 0, 2, 1], [0, 1, 1, 1]])
    found = [numbers["mean"] for numbers in resample(metric, counts)]
    np.testing.assert_equal(found, [2.5, np.nan, np.inf, np.nan])


def test_nothing_seen_is_nan():
    metric = PerSample(Accuracy(), keep_states=True)
    assert np.isnan(confidence_intervals(metric)["accuracy"]).all()
    assert list(resample(metric, np.zeros((1, 0), int)))[0].keys() == {"accuracy"}


def test_keys_are_chosen():
    metric, _, _ = pixels(5)
    found = confidence_intervals(metric, 20, keys=["IoU/b", "mIoU"])
    everything = confidence_intervals(metric, 20)
    assert list(found) == ["IoU/b", "mIoU"]
    assert list(everything) == list(metric.compute())
    assert all(found[key] == everything[key] for key in found)
    with pytest.raises(ConfigError, match="mIoU"):
        confidence_intervals(metric, 20, keys=["mIOU"])


def test_wrong_settings():
    with pytest.raises(ConfigError, match="resamples"):
        confidence_intervals(of_numbers([1.0]), resamples=0)
    with pytest.raises(ConfigError, match="0 < level < 1"):
        confidence_intervals(of_numbers([1.0]), level=95)
    metric = PerSample(MAE())
    metric.update(np.ones(2), np.zeros(2), ["a", "b"])
    with pytest.raises(ConfigError, match="keep_states=True"):
        confidence_intervals(metric)


def test_the_whole_is_not_computed_again():
    """Of a metric that keeps its samples, each resample costs as much as a score."""
    metric = PerSample(VOCAveragePrecision(2))
    box = {"boxes": [[0, 0, 9, 9]], "classes": [0], "scores": [0.5]}
    metric.update([box, box], [box, box], ["a", "b"])
    with mock.patch.object(VOCAveragePrecision, "compute") as compute:
        found = confidence_intervals(metric, 5, keys=lambda key: "/" not in key)
    assert not compute.called
    assert found == {"mAP": (1.0, 1.0)}
    assert np.isnan(confidence_intervals(PerSample(VOCAveragePrecision(2)), 5)["AP/1"]).all()
    with pytest.raises(ConfigError, match="mAP"):
        confidence_intervals(metric, 5, keys=["mAp"])
