"""TensorFlow's SAME padding, as timm computes it."""

import pytest
import torch  # noqa: F401

from densefit.model.backbones.same_padding import same_conv_bn, same_padding
from densefit.symbol import sym
from tests.references.timm_models import timm


@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_as_timm(kernel, stride, dilation):
    for size in range(1, 40):
        total = timm.layers.padding.get_same_padding(size, kernel, stride, dilation)
        assert same_padding(size, kernel, stride, dilation) == (total // 2, total - total // 2)


@pytest.mark.parametrize("size", [(224, 225), (7, 6)])
def test_sizes_are_divided_and_rounded_up(size):
    symbol, result = same_conv_bn(sym.Variable("data"), "c", 2, 3, size, stride=2)
    _, (shape,), _ = symbol.infer_shape(data=(1, 3, *size))
    assert shape[2:] == result == (-(-size[0] // 2), -(-size[1] // 2))
