"""Adapters of heads and routes."""

import numpy as np
import pytest

import densefit as df
from densefit.data.batch import Batch
from densefit.errors import BindError, ConfigError, TrainingDiverged
from densefit.metrics import Accuracy
from densefit.model.heads.routed_head import head_adapter
from densefit.model.output_names import short_name


def batch(real=3, rows=4, label=None, targets=None, geometries=None):
    labels = {name: np.asarray(array, np.float32) for name, array in (label or {}).items()}
    ids = [f"s{i}" for i in range(real)]
    data = {"data": np.zeros((rows, 1), np.float32)}
    return Batch(data, labels, real, ids, targets=targets, geometries=geometries)


def routed(**settings):
    given = {"outputs": ["a_output"], "labels": ["y"], **settings}
    return head_adapter("one", df.Route(**given), ["a_output", "b_output"])


@pytest.mark.parametrize("name", ["a", "a_output"])
def test_outputs_with_and_without_the_suffix(name):
    assert routed(outputs=[name]).outputs("train") == ["a"]
    assert short_name("a_output") == "a"


def test_wrong_routes():
    for settings, message in (
        ({"outputs": "a"}, r"fix: +outputs=\['a'\]"),
        ({"outputs": ["a"], "labels": "y"}, r"fix: +labels=\['y'\]"),
        ({"outputs": []}, "at least one output"),
    ):
        with pytest.raises(ConfigError, match=message):
            df.Route(**settings)
    with pytest.raises(BindError, match="'c', which the symbol does not have"):
        routed(rows={"c": 2})
    with pytest.raises(ConfigError, match="neither a Head nor a Route"):
        head_adapter("one", "a")


def test_metrics_are_new_each_time():
    mine = Accuracy()
    mine.add(1, 1)
    own = routed(metrics=[mine, "mae"])
    first, second = own.metrics("train"), own.metrics("evaluate")
    assert [metric.name for metric in first] == ["accuracy", "mae"]
    assert first[0] is not mine
    assert first[0] is not second[0]
    assert first[0].count == 0


def test_reading_a_route():
    own = routed()
    out = np.arange(6.0).reshape(3, 2)
    predictions, targets, ids = own.read("train", {"a": out}, batch(label={"y": [5, 6, 7, 0]}))
    assert predictions is out
    np.testing.assert_array_equal(targets, [5, 6, 7])
    assert ids == ["s0", "s1", "s2"]


def test_several_outputs_and_labels_are_tuples():
    own = routed(outputs=["a", "b"], labels=["y", "z"])
    label = {"y": np.zeros(4), "z": np.ones(4)}
    outputs = {"a": np.zeros((3, 2)), "b": np.ones((3, 1))}
    predictions, targets, _ = own.read("train", outputs, batch(label=label))
    assert [p.shape for p in predictions] == [(3, 2), (3, 1)]
    assert [t.mean() for t in targets] == [0, 1]
    predictions, targets, _ = routed(labels=[]).read("train", outputs, batch())
    assert targets == ()


def test_rows_of_a_sample():
    out = {"a": np.arange(12.0).reshape(6, 2)}
    same = routed(rows=2).read("train", out, batch(label={"y": np.arange(8)}))
    assert same[0].shape == (6, 2)
    np.testing.assert_array_equal(same[1], np.arange(6))
    assert same[2] == ["s0", "s0", "s1", "s1", "s2", "s2"]
    grouped = routed(rows=2).read("train", out, batch(label={"y": np.arange(4)}))
    np.testing.assert_array_equal(grouped[0], out["a"].reshape(3, 2, 2))
    assert grouped[2] == ["s0", "s1", "s2"]
    number = routed(rows=0).read("train", {"a": np.array([7.0])}, batch(label={"y": np.arange(4)}))
    np.testing.assert_array_equal(number[0], [7, 7, 7])
    mixed = routed(outputs=["a", "b"], rows={"a": 2})
    found, _, _ = mixed.read(
        "train", {**out, "b": np.zeros((3, 5))}, batch(label={"y": np.arange(4)})
    )
    assert [array.shape for array in found] == [(3, 2, 2), (3, 5)]


def test_labels_out_of_the_samples_targets():
    targets = [{"y": np.zeros(k)} for k in range(3)]
    _, found, _ = routed().read("evaluate", {"a": np.zeros(3)}, batch(targets=targets))
    assert [len(one) for one in found] == [0, 1, 2]
    routed().check_batch(batch(targets=targets))
    for given in (batch(), batch(targets=[{}, *targets[1:]]), batch(label={"x": [0]})):
        with pytest.raises(
            BindError, match="(?s)needs the label 'y', .*head one, samples s0 to s2"
        ):
            routed().check_batch(given)


@pytest.mark.parametrize(
    ("shape", "rows", "devices", "message"),
    [
        ((4, 3), 1, 1, None),
        ((8, 3), 2, 1, None),
        ((1,), 0, 1, None),
        ((4, 3), 2, 1, "2 rows a sample"),
        ((1,), 1, 1, "1 rows a sample"),
        ((4,), 0, 1, "one number for the batch"),
        ((1,), 0, 2, "2 devices"),
    ],
)
def test_checking_shapes(shape, rows, devices, message):
    own = routed(rows=rows)
    if message is None:
        own.check("train", {"a": shape}, 4, devices)
        return
    with pytest.raises(BindError, match=f"(?s){message}.*head one"):
        own.check("train", {"a": shape}, 4, devices)


def test_nan_outputs_end_training_and_are_scored():
    out = {"a": np.array([[0, 1], [2, np.nan], [0, 0]])}
    given = batch(label={"y": np.zeros(4)})
    with pytest.raises(TrainingDiverged, match="output 'a' of the head 'one' is nan(.|\n)*s1"):
        routed().read("train", out, given)
    routed().read("evaluate", out, given)
    routed().read("train", {"a": np.array([0, -np.inf, 0])}, given)  # a masked logit
    out = {"a": np.array([0, 0, 0, 0, np.nan, 0])}
    with pytest.raises(TrainingDiverged, match="sample s2"):
        routed(rows=2).read("train", out, given)
