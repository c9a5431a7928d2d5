"""Initial values that were drawn before are equal to new ones, and never another's."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet import drawn_values
from densefit.engine.mxnet.initializer import ByName, He


@pytest.fixture(autouse=True)
def _nothing_is_stored(monkeypatch):
    monkeypatch.setattr(drawn_values, "_drawn", {})


def begun(initializer=None, name="a_weight", shape=(6, 4), seed=0, dtype="float32", attrs=None):
    array = mx.nd.zeros(shape, dtype=dtype)
    ByName(initializer, seed)(mx.init.InitDesc(name, attrs or {}), array)
    return array.asnumpy()


def seedings(monkeypatch):
    seeds, inner = [], mx.random.seed
    monkeypatch.setattr(mx.random, "seed", lambda number: (seeds.append(number), inner(number)))
    return seeds


@pytest.mark.parametrize(
    "make",
    [
        He, mx.init.Xavier, mx.init.MSRAPrelu, mx.init.Uniform, mx.init.Normal,
        lambda: mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2),
    ],
)  # fmt: skip
def test_the_second_is_the_first(make, monkeypatch):
    seeds = seedings(monkeypatch)
    first = begun(make())
    assert len(seeds) == 1
    np.testing.assert_array_equal(begun(make()), first)
    assert len(seeds) == 1
    drawn_values._drawn.clear()
    np.testing.assert_array_equal(begun(make()), first)
    assert len(seeds) == 2


OTHERS = [
    {"initializer": mx.init.Uniform(0.2)},
    {"initializer": mx.init.Normal(0.1)},
    {"seed": 1},
    {"name": "b_weight"},
    {"shape": (4, 6)},
    {"dtype": "float64"},
    {"attrs": {"__init__": mx.init.Uniform(0.3).dumps()}},
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: "-".join(other))
def test_another_value_is_its_own(other):
    alone = begun(**{"initializer": mx.init.Uniform(0.1), **other})
    drawn_values._drawn.clear()
    first = begun(mx.init.Uniform(0.1))
    np.testing.assert_array_equal(begun(**{"initializer": mx.init.Uniform(0.1), **other}), alone)
    assert alone.dtype == other.get("dtype", "float32")
    if "dtype" not in other:
        assert alone.shape != first.shape or (alone != first).any()


def test_a_changed_attribute_makes_other_values():
    initializer = mx.init.Uniform(0.1)
    begun(initializer)
    initializer.scale = 0.5
    assert np.abs(begun(initializer)).max() > 0.2


def test_values_of_a_user_s_initializer_are_drawn_again():
    class Growing(mx.init.Uniform):
        def _init_weight(self, name, arr):
            super()._init_weight(name, arr)
            self.scale *= 2

    initializer = Growing(0.1)
    np.testing.assert_allclose(2 * begun(initializer), begun(initializer), rtol=1e-6)
    assert not drawn_values._drawn


def test_an_array_that_is_changed_changes_no_later_one():
    array = mx.nd.zeros((6, 4))
    ByName()(mx.init.InitDesc("a_weight"), array)
    expected = array.asnumpy()
    array[:] = 7
    np.testing.assert_array_equal(begun(), expected)


def test_little_is_stored(monkeypatch):
    begun(shape=(drawn_values.LARGEST + 1, 1))
    assert not drawn_values._drawn
    monkeypatch.setattr(drawn_values, "MOST", 3)
    for seed in range(5):
        begun(seed=seed)
        assert len(drawn_values._drawn) <= 3
