"""Heads with other classes than the source: common ones are kept by name, others begin anew."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError
from densefit.model.parameters import shapes

FOUR = ["cat", "dog", "cow", "bird"]
FIVE = ["bird", "horse", "cat", "dog", "cow"]  # in another order, too
HEADS = {
    "detection": {"strides": (8, 16), "channels": 8},
    "segmentation": {"decoder": "fcn", "channels": 8},
    "classification": {},
    "multilabel": {},
    "retinanet": {"strides": (8, 16), "channels": 8, "depth": 1},
    "instance": {"detection": {"strides": (8, 16), "channels": 8}, "channels": 8},
}


def network(task, classes):
    head = df.head(task, name="head", classes=classes, **HEADS[task])
    return df.Network("resnet18", [head], settings={"width": 8})


def with_values(made, seed):
    """The network with values that are all different."""
    rng, states = np.random.default_rng(seed), made.peek("train", (64, 64)).list_auxiliary_states()
    values = {n: rng.normal(size=shape).astype(np.float32) for n, shape in shapes(made).items()}
    made.set_params(
        {name: value for name, value in values.items() if name not in states},
        {name: value for name, value in values.items() if name in states},
    )
    return made


@pytest.fixture
def source(request):
    """(task, a network of four classes)."""
    return request.param, with_values(network(request.param, FOUR), 1)


@pytest.mark.parametrize("source", HEADS, indirect=True)
def test_rows_of_common_classes_are_the_source_s(source):
    task, four = source
    five = network(task, FIVE)
    with pytest.raises(BindError, match="mismatched='grow'"):
        df.surgery.transfer(four, five)
    report = df.surgery.transfer(four, five, mismatched="grow")
    before, after = (
        {name: rows for name, rows in made.heads[0].class_rows().items() if name in made.parameters}
        for made in (four, five)
    )
    assert set(report.grown) == set(after)
    assert not report.mismatched
    assert not report.new
    for name, rows in after.items():
        assert report.grown[name] == ["horse"]
        there = dict(zip(before[name], four.parameters[name]))
        new = []
        for row, value in zip(rows, five.parameters[name]):
            if row in there:
                np.testing.assert_array_equal(value, there[row], err_msg=f"{name} {row}")
            else:
                new.append(value)
        assert len(new) == len(rows) - len(before[name])
        assert np.isfinite(new).all()
        if name.endswith("weight"):
            assert np.std(new) > 0
    text = str(report)
    assert "new classes horse, the others are kept" in text


@pytest.mark.parametrize("source", ["classification"], indirect=True)
def test_classes_that_are_gone_are_left_out(source):
    _, four = source
    two = network("classification", ["dog", "horse"])
    report = df.surgery.transfer(four, two, mismatched="grow")
    (bias,) = (name for name in report.grown if name.endswith("bias"))
    assert two.parameters[bias][0] == four.parameters[bias][1]


@pytest.mark.parametrize("source", ["classification"], indirect=True)
def test_without_common_classes_the_layer_begins_anew(source):
    _, four = source
    strangers = network("classification", ["car", "bus"])
    report = df.surgery.transfer(four, strangers, mismatched="grow")
    assert not report.grown
    assert all(name in report.mismatched for name in strangers.heads[0].class_rows())


@pytest.mark.parametrize("source", ["classification"], indirect=True)
def test_a_value_of_a_new_class_stays(source):
    _, four = source
    five = with_values(network("classification", FIVE), 2)
    before = {name: np.array(five.parameters[name]) for name in five.heads[0].class_rows()}
    df.surgery.transfer(four, five, mismatched="grow")
    for name, value in before.items():
        np.testing.assert_array_equal(five.parameters[name][1], value[1])
