"""HRNet at smaller output strides."""

import numpy as np

from densefit.model.backbones import backbones
from densefit.symbol import sym
from tests.executor import Executor
from tests.model.backbones.narrow import NARROW
from tests.model.backbones.random_values import random_values

SIZE = (64, 75)


def maps(output_stride):
    backbone = backbones.create("hrnet_w18", **NARROW["hrnet_w18"])
    features = backbone.features(sym.Variable("data"), SIZE, output_stride)
    symbol = sym.Group(list(features.maps.values()))
    executor = Executor(symbol, gradients=False, data=(1, 3, *SIZE))
    values = random_values(symbol, SIZE, 1)
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        array[:] = values.get(name, 0)
    image = np.random.default_rng(0).integers(0, 256, (1, 3, *SIZE))
    return dict(zip(features.maps, executor.forward(data=image)))


def test_deeper_branches_are_stacked_on_the_last_map():
    alone, stacked = maps(32), maps(16)
    np.testing.assert_array_equal(stacked[8], alone[8])
    deeper = alone[32].repeat(2, axis=2).repeat(2, axis=3)[:, :, :4, :5]
    expected = np.concatenate([alone[16], deeper], axis=1)
    np.testing.assert_allclose(stacked[16], expected, rtol=1e-5)
