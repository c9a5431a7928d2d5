"""The scale of new parameters."""

import math
import random

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.mxnet import drawn_values
from densefit.engine.mxnet.initializer import ByName, He


@pytest.fixture(autouse=True)
def _each_value_is_drawn(monkeypatch):
    monkeypatch.setattr(drawn_values, "fill", lambda key, array: False)


@pytest.mark.parametrize(
    ("name", "shape", "fan"),
    [("conv_weight", (256, 32, 3, 3), 256 * 9), ("fc_weight", (4, 8192), 8192)],
)
def test_standard_deviation(name, shape, fan):
    mx.random.seed(0)
    array = mx.nd.zeros(shape)
    He()(mx.init.InitDesc(name), array)
    assert array.asnumpy().std() == pytest.approx(math.sqrt(2 / fan), rel=0.03)


def test_the_rest_is_mxnet_s():
    for name, value in (("bn_gamma", 1), ("bn_beta", 0), ("fc_bias", 0)):
        array = mx.nd.full((3,), 7)
        He()(mx.init.InitDesc(name), array)
        assert (array.asnumpy() == value).all()


def begun(initializer, *names, seed=0):
    made = {name: mx.nd.zeros((16, 8)) for name in names}
    for name, array in made.items():
        ByName(initializer, seed)(mx.init.InitDesc(name), array)
    return {name: array.asnumpy() for name, array in made.items()}


def python_s(name, array):
    array[:] = random.random()


@pytest.mark.parametrize("initializer", [None, mx.init.Orthogonal(), python_s])
def test_a_value_follows_from_seed_and_name_alone(initializer):
    both = begun(initializer, "a_weight", "b_weight")
    reversed_ = begun(initializer, "b_weight", "a_weight")
    for name, value in both.items():
        np.testing.assert_array_equal(value, reversed_[name])
        np.testing.assert_array_equal(value, begun(initializer, name)[name])
        assert (value != begun(initializer, name, seed=1)[name]).any()
    assert (both["a_weight"] != both["b_weight"]).any()


@pytest.mark.parametrize(
    "initializer", [None, mx.init.Uniform(0.1), mx.init.Orthogonal(), python_s]
)
def test_double_precision_begins_as_single_does(initializer):
    single, double = mx.nd.zeros((16, 8)), mx.nd.zeros((16, 8), dtype="float64")
    for array in (single, double):
        ByName(initializer)(mx.init.InitDesc("a_weight"), array)
    assert double.dtype == np.float64
    np.testing.assert_array_equal(double.asnumpy().astype(np.float32), single.asnumpy())


def test_a_constant_keeps_its_double_precision():
    double = mx.nd.zeros((2,), dtype="float64")
    ByName(mx.init.Constant(0.1))(mx.init.InitDesc("a_weight"), double)
    np.testing.assert_array_equal(double.asnumpy(), [0.1, 0.1])


def test_other_generators_go_on_as_if_nothing_had_been_drawn():
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1)
    np.random.seed(1)
    begun(mx.init.Orthogonal(), "a_weight")
    assert (random.random(), np.random.random()) == expected


def test_a_head_begins_alike_beside_any_other(tiny):
    def begin(*heads):
        network = df.Network(tiny.Backbone(), [tiny.Brightness(name) for name in heads])
        first = tiny.Recorder("fit_started", lambda state, control: tiny.values(network))
        df.fit(network, tiny.loader(network, 4, 4), updates=1, callbacks=[first])
        return first.seen[0]

    alone, both = begin("one"), begin("zero", "one")
    assert set(alone) < set(both)
    for name in ("one_fc_weight", "tiny_stem_weight"):
        np.testing.assert_array_equal(alone[name], both[name])
    assert (both["one_fc_weight"] != both["zero_fc_weight"]).any()


class RandomBias(mx.init.Xavier):
    def _init_bias(self, name, arr):
        arr[:] = mx.random.normal(shape=arr.shape)


STATED = {"__init__": mx.init.Normal().dumps()}


@pytest.mark.parametrize(
    ("initializer", "name", "attrs", "count"),
    [
        (None, "fc_bias", {}, 0),
        (None, "bn_gamma", {}, 0),
        (None, "bn_moving_var", {"__init__": mx.init.One().dumps()}, 0),
        (None, "scale", {"__init__": mx.init.Constant(3).dumps()}, 0),
        (None, "fc_weight", {}, 1),
        (None, "fc_bias", STATED, 1),
        (RandomBias(), "fc_bias", {}, 1),
        (RandomBias(), "bn_beta", {}, 0),
        (python_s, "fc_bias", {}, 1),
    ],
)
def test_generators_are_seeded_where_a_value_may_be_random(
    initializer, name, attrs, count, monkeypatch
):
    seeds, inner = [], mx.random.seed
    monkeypatch.setattr(mx.random, "seed", lambda seed: seeds.append(seed) or inner(seed))
    values = []
    for _ in range(2):
        array = mx.nd.full((4, 4), 7)
        ByName(initializer)(mx.init.InitDesc(name, attrs), array)
        values.append(array.asnumpy())
    assert len(seeds) == 2 * count
    np.testing.assert_array_equal(*values)
    assert len(np.unique(values[0])) == 1 or count
    assert values[0].flat[0] != 7
