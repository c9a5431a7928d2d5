"""Convolutions with the same parameters at all levels."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.detection.towers import cell_rows, shared_convolution, tower
from tests.executor import Executor

SIZES = [(4, 6), (2, 3)]


def bound(levels):
    shapes = {f"map{number}": (2, 8, *size) for number, size in enumerate(SIZES)}
    executor = Executor(sym.Group(levels), **shapes)
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, 1, array.shape)
    return executor


@pytest.fixture
def maps():
    return [sym.Variable(f"map{number}") for number in range(len(SIZES))]


@pytest.mark.parametrize("normalization", ["none", "group"])
def test_a_level_does_not_depend_on_the_others(each_engine, maps, normalization):
    settings = {"normalization": normalization, "bias": normalization == "none"}
    executor = bound(tower(maps, "net", 8, 2, **settings))
    parts = ("weight", "bias") if normalization == "none" else ("weight", "bn_gamma", "bn_beta")
    names = {f"net{number}_{part}" for number in (0, 1) for part in parts}
    assert set(executor.arg_dict) == {"map0", "map1"} | names
    together = executor.forward(is_train=False)
    for number, size in enumerate(SIZES):
        alone = bound(tower([maps[number]], "net", 8, 2, **settings))
        alone.arg_dict.update({name: executor.arg_dict[name] for name in alone.arg_dict})
        np.testing.assert_allclose(alone.forward(is_train=False)[0], together[number], rtol=1e-5)
        assert together[number].shape == (2, 8, *size)
        assert (together[number] >= 0).all()


def test_gradients_of_levels_add_up(each_engine, maps):
    executor = bound(shared_convolution(maps, "net", 3))
    executor.forward(is_train=True)
    executor.backward()
    cells = 2 * sum(height * width for height, width in SIZES)
    np.testing.assert_allclose(executor.grad_dict["net_bias"], cells, rtol=1e-6)


def test_rows_go_by_row_column_and_anchor(maps):
    rows = bound(cell_rows(maps[:1], 4))
    (found,) = rows.forward(is_train=False)
    data = rows.arg_dict["map0"]
    assert found.shape == (2, 4 * 6 * 2, 4)
    np.testing.assert_array_equal(found[1, (1 * 6 + 2) * 2 + 1], data[1, 4:, 1, 2])


def test_fewer_channels_begin_with_larger_weights(maps):
    def spread(channels):
        layers = tower(maps, "net", channels, 1)
        attributes = sym.Group(layers).attr_dict()["net0_weight"]
        return float(attributes["__init__"].split(":")[1].strip(" }]")), attributes["__init__"]

    assert spread(256)[0] == pytest.approx(0.01)
    assert spread(64)[0] == pytest.approx(0.02)
