"""Loops and conditions equal MXNet's, with the gradients of all that their bodies read."""

import numpy as np
import pytest

from densefit.backend import mx

V = mx.sym.Variable


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def test_a_body_for_each_row(compare):
    outputs, states = mx.sym.contrib.foreach(
        lambda row, states: ([row * V("w") + states[0], row], [states[0] + row, states[1] * 2]),
        V("x"),
        [V("a"), V("b")],
    )
    symbol = mx.sym.Group([*outputs, *states])
    arrays = {"x": normal(5, 3), "w": normal(3), "a": normal(3, seed=1), "b": normal(2)}
    compare(symbol, arrays, ["x", "w", "a", "b"], training=True)


def test_a_recurrent_cell_for_each_step(compare):
    cell = mx.gluon.rnn.GRUCell(4, input_size=3, prefix="gru_")
    outputs, _ = mx.sym.contrib.foreach(cell, V("x"), [V("state")])
    arrays = {"x": normal(6, 2, 3), "state": normal(2, 4)}
    arrays.update(
        gru_i2h_weight=normal(12, 3), gru_h2h_weight=normal(12, 4), gru_i2h_bias=normal(12),
        gru_h2h_bias=normal(12, seed=2),
    )  # fmt: skip
    compare(outputs, arrays, list(arrays), training=True, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("start", "rows"), [(0.0, 3), (2.0, 1), (-5.0, 5), (7.0, 0)])
def test_a_body_while_a_condition_holds(compare, run_torch, start, rows):
    outputs, values = mx.sym.contrib.while_loop(
        lambda i, a: i < 3,
        lambda i, a: (a * V("w"), [i + 1, a * 1.5]),
        [V("i"), V("a")],
        max_iterations=5,
    )
    arrays = {"i": np.array([start]), "a": normal(2, 3), "w": normal(2, 3, seed=1)}
    # Rows after the last are memory of before in MXNet, and zeros here.
    computed = [mx.sym.slice_axis(outputs, axis=0, begin=0, end=rows)] if rows else []
    compare(mx.sym.Group([*computed, *values]), arrays, ["a", "w"], training=True)
    assert not run_torch(outputs, **arrays)[0][rows:].any()


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_one_of_two_bodies(compare, value):
    symbol = mx.sym.contrib.cond(V("p") < 1, lambda: V("w") * 2, lambda: V("a") + V("w"))
    arrays = {"p": np.array([value]), "w": normal(3), "a": normal(3, seed=1)}
    compare(symbol, arrays, ["w"], training=True)
