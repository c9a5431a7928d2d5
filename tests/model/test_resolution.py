"""Strides of layers: of maps, vectors, parameters, at any size of the image."""

import pytest

from densefit.model.resolution import layers
from densefit.symbol import sym


@pytest.mark.parametrize("size", [(64, 64), (97, 33), (50, 90)])
def test_halvings_round_up(size):
    x = sym.Variable("data")
    for number in range(4):
        x = sym.Convolution(
            x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), num_filter=2, name=f"c{number}"
        )
    found = layers(x, data=(1, 3, *size))
    for number in range(4):
        assert found[f"c{number}"].stride == 2 ** (number + 1)
        assert found[f"c{number}_weight"].stride == 2 ** (number + 1)
        assert found[f"c{number}"].is_map
    assert found["c3"].shape == (1, 2, -(-size[0] // 16), -(-size[1] // 16))
    assert found["data"].stride == 1


def test_vectors_and_reshaped_parameters_have_the_stride_of_the_map():
    x = sym.Pooling(sym.Variable("data"), kernel=(4, 4), stride=(4, 4), name="map")
    vector = sym.mean(x, axis=(2, 3), keepdims=True, name="vector")
    factor = sym.Variable("scale", shape=(3,))
    factor = sym.reshape(factor, shape=(1, 3, 1, 1), name="reshaped")
    symbol = sym.broadcast_mul(vector, factor, name="scaled")
    found = layers(symbol, data=(1, 3, 32, 32))
    assert {found[name].stride for name in ("vector", "scale", "reshaped", "scaled")} == {4}
    assert not found["vector"].is_map
