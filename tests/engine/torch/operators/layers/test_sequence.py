"""Operators of sequences equal MXNet's, with their gradients."""

import numpy as np
import pytest

from densefit.backend import mx
from tests.engine.torch.compare import check, same

X, N = mx.sym.Variable("x"), mx.sym.Variable("n")
LENGTHS = np.array([1, 4, 2], np.float32)


def sequences(axis=0, *rest):
    shape = (4, 3, 2) if axis == 0 else (3, 4, 2)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["SequenceMask", "SequenceLast"])
def test_lengths(name, axis):
    layer = getattr(mx.sym, name)
    settings = {"value": -2.0} if name == "SequenceMask" else {}
    symbol = layer(X, N, use_sequence_length=True, axis=axis, **settings)
    same(symbol, {"x": sequences(axis), "n": LENGTHS}, 0)
    same(layer(X, axis=axis), {"x": sequences(axis)}, 0)


def test_reverse():
    symbol = mx.sym.SequenceReverse(X, N, use_sequence_length=True)
    same(symbol, {"x": sequences(), "n": LENGTHS}, 0)
    same(mx.sym.SequenceReverse(X), {"x": sequences()}, 0)


def test_attention():
    contrib = mx.sym.contrib
    check(contrib.interleaved_matmul_selfatt_qk(X, heads=2), 2e-6, x=(5, 3, 24))
    attention = mx.sym.Variable("a")
    symbol = contrib.interleaved_matmul_selfatt_valatt(X, attention, heads=2)
    check(symbol, 2e-6, x=(5, 3, 24), a=(6, 5, 5))
    pairs = mx.sym.Variable("p")
    symbol = contrib.interleaved_matmul_encdec_qk(X, pairs, heads=2)
    check(symbol, 2e-6, x=(5, 3, 8), p=(7, 3, 16))
    symbol = contrib.interleaved_matmul_encdec_valatt(pairs, attention, heads=2)
    check(symbol, 2e-6, p=(7, 3, 16), a=(6, 5, 7))
