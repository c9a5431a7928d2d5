import numpy as np
import pytest

import densefit as df
from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import (
    MAE,
    Accuracy,
    ConfusionMatrix,
    FunctionMetric,
    Mean,
    PerSample,
    VOCAveragePrecision,
)
from densefit.metrics.core.detail import Matrix
from tests.executor import engine_array

IDS = ["a", "b", "c", "d", "e", "f"]


def masks():
    r = np.random.default_rng(0)
    return r.integers(0, 3, (6, 5, 7)), r.integers(0, 3, (6, 5, 7))


def boxes():
    r = np.random.default_rng(1)
    truth, found = [], []
    for n in (0, 1, 2, 3, 2, 1):
        corner = r.integers(0, 50, (n, 2))
        true = np.concatenate([corner, corner + 20], axis=1).astype(float)
        truth.append({"boxes": true, "classes": r.integers(0, 2, n)})
        found.append(
            {"boxes": true + r.integers(0, 9, (n, 1)), "classes": r.integers(0, 2, n)}
            | {"scores": r.random(n)}
        )
    return found, truth


def two_outputs():
    r = np.random.default_rng(2)
    return (r.random((6, 2)), r.random((6, 3))), r.random((6, 2))


def first_gap(label, pred):
    return float(np.abs(label - pred[0]).sum())


def row(side, place):
    if isinstance(side, tuple):
        return tuple(part[place : place + 1] for part in side)
    return None if side is None else side[place : place + 1]


@pytest.mark.parametrize(
    ("metric", "data"),
    [
        (ConfusionMatrix(3), masks()),
        (VOCAveragePrecision(2), boxes()),
        (MAE(), (np.arange(6.0), np.ones(6))),
        (Mean(), (np.arange(6.0), None)),
        (FunctionMetric(first_gap), two_outputs()),
        (ConfusionMatrix(3), tuple(engine_array(side) for side in masks())),
    ],
    ids=lambda thing: getattr(thing, "name", None),
)
def test_values_are_those_of_the_sample_alone(metric, data):
    check_values(metric, data)


def test_values_of_mxnets_metrics_are_those_of_the_sample_alone(mx):
    metric = df.interop.LegacyMetric(mx.metric.Accuracy())
    check_values(metric, (np.eye(6), np.arange(6) // 2))


def check_values(metric, data):
    wrapped = PerSample(metric.fresh())
    wrapped.update(*data, IDS)
    plain = metric.fresh()
    plain.update(*data, IDS)
    np.testing.assert_equal(wrapped.compute(), plain.compute())
    for place, key in enumerate(IDS):
        alone = metric.fresh()
        alone.update(*(row(side, place) for side in data), [key])
        np.testing.assert_equal(wrapped.values[key], alone.compute()[metric.primary])
    assert list(wrapped.values) == IDS
    assert wrapped.samples == {}


def test_is_declared_as_what_it_wraps():
    metric = PerSample(MAE())
    assert (metric.name, metric.primary, metric.higher_is_better) == ("mae", "mae", False)
    assert not metric.additive


def given(values, higher=True):
    metric = PerSample(Mean("AP", higher_is_better=higher))
    metric.update(np.array(list(values.values())), None, list(values))
    return metric


def test_the_worst_come_first():
    values = {"z": 0.5, "d": 0.1, "n": np.nan, "c": 0.1, "a": 0.9}
    assert given(values).worst(3) == [("c", 0.1), ("d", 0.1), ("z", 0.5)]
    assert given(values, higher=False).worst(2) == [("a", 0.9), ("z", 0.5)]
    assert len(given(values).worst(10)) == 4
    assert given(values).worst(0) == []
    assert np.isnan(given(values).values["n"])


@pytest.mark.parametrize("ids", [["c", "a"], ["c", "d", "c"]])
def test_a_repeated_id_is_an_error_and_changes_nothing(ids):
    metric = given({"a": 1.0, "b": 2.0})
    with pytest.raises(DataError, match="came twice"):
        metric.update(np.ones(len(ids)), None, ids)
    assert metric.values == {"a": 1.0, "b": 2.0}
    assert metric.compute() == {"AP": 1.5}


def test_rows_of_a_sample_belong_together():
    metric = PerSample(Accuracy())
    metric.update(np.array([1, 1, 0, 2]), np.array([1, 0, 0, 0]), ["a", "a", "b", "b"])
    metric.update(np.array([1, 1]), np.array([1, 1]), ["c", "c"])
    assert metric.values == {"a": 0.5, "b": 0.5, "c": 1.0}
    assert metric.compute() == {"accuracy": 4 / 6}


def test_merging_a_sample_twice_is_an_error():
    one, other = given({"a": 1.0, "b": 2.0}), given({"c": 1.0, "a": 4.0})
    with pytest.raises(DataError, match="'a' came twice"):
        one.merge(other)
    assert one.compute() == {"AP": 1.5}
    assert list(one.values) == ["a", "b"]


def test_states_are_kept_for_those_that_need_them():
    metric = PerSample(ConfusionMatrix(3), keep_states=True)
    metric.update(*masks(), IDS)
    assert list(metric.samples) == IDS
    np.testing.assert_array_equal(
        sum(one.vector() for one in metric.samples.values()), metric.metric.matrix.ravel()
    )
    boxed = PerSample(VOCAveragePrecision(2), keep_states=True)
    boxed.update(*boxes(), IDS)
    assert boxed.samples == {}  # it keeps all boxes anyway
    assert len(boxed.values) == 6


def test_states_survive_merge_and_state():
    prediction, target = masks()
    parts = [PerSample(ConfusionMatrix(3), keep_states=True) for _ in range(2)]
    parts[0].update(prediction[:2], target[:2], IDS[:2])
    parts[1].update(prediction[2:], target[2:], IDS[2:])
    parts[0].merge(parts[1])
    loaded = parts[0].fresh()
    assert loaded.values == {}
    assert loaded.samples == {}
    loaded.load_state_dict(parts[0].state_dict())
    for metric in (parts[0], loaded):
        assert list(metric.values) == IDS
        for key, place in zip(IDS, range(6)):
            alone = ConfusionMatrix(3)
            alone.update(prediction[place : place + 1], target[place : place + 1], [key])
            np.testing.assert_array_equal(metric.samples[key].vector(), alone.matrix.ravel())


def test_keeping_and_not_keeping_do_not_mix():
    keeps, does_not = PerSample(MAE(), keep_states=True), PerSample(MAE())
    with pytest.raises(ConfigError, match="cannot be merged"):
        keeps.merge(does_not)
    does_not.update(np.ones(2), np.zeros(2), ["a", "b"])
    with pytest.raises(CheckpointError, match="keep_states"):
        keeps.load_state_dict(does_not.state_dict())
    keeps.update(np.ones(2), np.zeros(2), ["a", "b"])
    does_not.load_state_dict(keeps.state_dict())
    assert does_not.values == {"a": 1.0, "b": 1.0}
    state = {**keeps.state_dict(), "values": np.ones(1)}
    with pytest.raises(CheckpointError, match="1 values"):
        keeps.load_state_dict(state)


class WithDetails(Mean):
    def details(self):
        return {"pairs": Matrix(["x"], np.array([[3]]), "rows")}

    def resampled(self, counts):
        return {"mean": float(sum(counts.values()))}


def test_details_and_resampling_are_the_wrapped_metrics():
    metric = PerSample(WithDetails())
    assert metric.details()["pairs"].what == "rows"
    assert metric.resampled({"a": 2, "b": 3}) == {"mean": 5.0}
    assert PerSample(MAE()).resampled({"a": 1}) is None
