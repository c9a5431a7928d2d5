"""The softmax over known classes, against numpy on what is left of the scores."""

import numpy as np
import pytest

from densefit.model.partial_softmax import partial_log_softmax
from densefit.symbol import sym
from tests.executor import Executor

B, A, C = 3, 7, 4


def computed(scores, known, unsure, head, size=30.0):
    arrays = {"scores": scores * size, "known": known, "unsure": unsure}
    symbols = {name: sym.Variable(name) for name in arrays}
    out = partial_log_softmax(
        symbols["scores"],
        sym.expand_dims(symbols["known"], axis=1),
        sym.expand_dims(symbols["unsure"], axis=2),
        axis=-1,
    )
    shapes = {name: value.shape for name, value in arrays.items()}
    executor = Executor(out, **shapes)
    for name, value in arrays.items():
        executor.arg_dict[name][:] = value
    found = executor.forward(is_train=True)[0]
    executor.backward(head)
    return found, executor.grad_dict["scores"]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    scores, head = rng.normal(size=(2, B, A, C)).astype(np.float32)
    known = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1]], np.float32)
    unsure = (rng.random((B, A)) < 0.5).astype(np.float32)
    return scores, known, unsure, head


def test_it_is_the_softmax_of_the_scores_that_are_left(arrays):
    scores, known, unsure, head = arrays
    for place in np.argwhere(unsure):
        head[tuple(place)][known[place[0]] == 0] = 0  # nobody picks an unknown class there
    found, gradient = computed(*arrays)
    for b, a in np.ndindex(B, A):
        left = known[b] > 0 if unsure[b, a] else np.ones(C, bool)
        x = 30 * scores[b, a, left].astype(np.float64)
        expected = x - x.max() - np.log(np.exp(x - x.max()).sum())
        np.testing.assert_allclose(found[b, a, left], expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(gradient[b, a, ~left], 0)
        own = head[b, a, left].astype(np.float64)
        slope = own - np.exp(expected) * own.sum()
        np.testing.assert_allclose(gradient[b, a, left], slope, rtol=1e-3, atol=1e-5)


def test_where_all_are_known_it_is_the_softmax_to_the_last_bit(arrays):
    scores, known, unsure, head = arrays
    found, gradient = computed(scores, np.ones_like(known), unsure, head)
    plain = sym.log_softmax(sym.Variable("scores"), axis=-1)
    executor = Executor(plain, scores=scores.shape)
    executor.arg_dict["scores"][:] = scores * 30.0
    np.testing.assert_array_equal(found, executor.forward(is_train=True)[0])
    executor.backward(head)
    np.testing.assert_array_equal(gradient, executor.grad_dict["scores"])
