"""DDRNet at smaller output strides, its auxiliary map, and the size of the whole network."""

import numpy as np
import pytest

import densefit as df
from densefit.model.backbones import backbones
from densefit.model.layers import upsample
from densefit.symbol import sym
from tests.executor import Executor
from tests.model.backbones.narrow import NARROW
from tests.model.backbones.random_values import random_values

SIZE = (64, 75)


def computed(symbols):
    symbol = sym.Group(symbols)
    executor = Executor(symbol, gradients=False, data=(1, 3, *SIZE))
    values = random_values(symbol, SIZE, 1)
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        array[:] = values.get(name, 0)
    return executor.forward(data=np.random.default_rng(0).integers(0, 256, (1, 3, *SIZE)))


def features(output_stride):
    backbone = backbones.create("ddrnet23_slim", **NARROW["ddrnet23_slim"])
    return backbone.features(sym.Variable("data"), SIZE, output_stride)


def test_deeper_maps_are_stacked_on_the_last_map():
    alone, stacked = features(32), features(16)
    enlarged = upsample(alone.maps[32], 2, alone.size(32), alone.size(16))
    high, third, deeper = computed([alone.maps[8], alone.maps[16], enlarged])
    same, joined = computed(list(stacked.maps.values()))[1:]
    np.testing.assert_array_equal(same, high)
    np.testing.assert_allclose(joined, np.concatenate([third, deeper], axis=1), rtol=1e-5)


@pytest.mark.parametrize("output_stride", [8, 16, 32])
def test_the_auxiliary_map_is_of_stride_8(output_stride):
    found = features(output_stride)
    assert found.auxiliary.stride == 8
    (array,) = computed([found.auxiliary.symbol])
    assert array.shape == (1, found.auxiliary.channels, *found.size(8))
    assert (array < 0).any()  # before its ReLU
    assert (array > 0).any()


def test_published_size():
    """Table 4 of the paper: 5.7 M parameters, 36.3 G multiply-adds at 1024x2048, 19 classes."""
    head = df.head("segmentation", classes=19, decoder="ddrnet")
    costs = df.summary(df.Network("ddrnet23_slim", [head]), (1024, 2048))
    assert costs.parameters == 5_695_987
    assert costs.multiply_adds / 1e9 == pytest.approx(36.3, rel=0.005)
