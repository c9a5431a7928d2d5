"""The scale of new parameters."""

import math

import pytest

from densefit.backend import mx
from densefit.train.initializer import He


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
