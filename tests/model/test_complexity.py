"""Multiply-adds of layers, counted by hand."""

import pytest

from densefit.model.complexity import multiply_adds
from densefit.symbol import sym

DATA = sym.Variable("data")


@pytest.mark.parametrize(
    ("symbol", "count"),
    [
        # 4 filters of 3x3 in 3 of 6 channels, at 5x4 positions of 2 images
        (
            sym.Convolution(
                DATA, kernel=(3, 3), pad=(1, 1), stride=(2, 2), num_filter=4, num_group=2, name="l"
            ),
            2 * 4 * (5 * 4) * (3 * 9),
        ),
        # each of 6 x 9 x 8 values is written to 2x2 positions of 4 filters
        (
            sym.Deconvolution(DATA, kernel=(2, 2), stride=(2, 2), num_filter=4, name="l"),
            2 * (6 * 9 * 8) * (4 * 4),
        ),
        (sym.FullyConnected(DATA, num_hidden=5, name="l"), 2 * 5 * (6 * 9 * 8)),
        (sym.FullyConnected(DATA, num_hidden=5, flatten=False, name="l"), (2 * 6 * 9) * 5 * 8),
        (sym.dot(DATA, sym.Variable("w", shape=(8, 7)), name="l"), (2 * 6 * 9) * 7 * 8),
        (
            sym.batch_dot(*[sym.reshape(DATA, shape=(2, 54, 8))] * 2, transpose_b=True, name="l"),
            2 * 54 * 54 * 8,
        ),
        (
            sym.batch_dot(*[sym.reshape(DATA, shape=(2, 54, 8))] * 2, transpose_a=True, name="l"),
            2 * 8 * 8 * 54,
        ),
    ],
)
def test_layers(symbol, count):
    assert multiply_adds(symbol, data=(2, 6, 9, 8)) == {"l": count}


def test_resampling_by_a_constant_matrix_is_left_out():
    assert multiply_adds(sym.dot(DATA, sym.ones((8, 7)), name="l"), data=(2, 6, 9, 8)) == {}


def test_layers_of_unknown_shape_and_without_weights_are_left_out():
    known = sym.FullyConnected(DATA, num_hidden=5, name="known")
    unknown = sym.FullyConnected(sym.Variable("other"), num_hidden=5, name="unknown")
    symbol = sym.Group([sym.Activation(known, act_type="relu"), unknown])
    assert multiply_adds(symbol, data=(2, 6)) == {"known": 60}
