import numpy as np
import pytest

from densefit.model.layers import strongest
from densefit.symbol import sym
from densefit.tasks.segmentation.class_maps import upsampled_argmax
from tests.executor import Executor


@pytest.mark.parametrize("size", [(20, 16), (18, 13), (17, 16)])
def test_it_is_what_the_graph_computes(size):
    logits = np.random.default_rng(0).normal(size=(2, 7, 5, 4)).astype(np.float32)
    symbol = strongest(sym.Variable("data"), 4, (5, 4), size)
    executor = Executor(symbol, data=logits.shape, gradients=False)
    expected = executor.forward(is_train=False, data=logits)[0]
    for one, mask in zip(logits, expected):
        found = upsampled_argmax(one, 4, size)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, mask)


def test_of_equal_logits_the_first_wins():
    logits = np.zeros((3, 2, 2), np.float32)
    assert not upsampled_argmax(logits, 4, (8, 8)).any()
    logits[1:] = 1
    assert (upsampled_argmax(logits, 4, (8, 8)) == 1).all()


def test_nan_is_not_passed_over():
    logits = np.ones((3, 2, 2), np.float32)
    logits[1, 0, 0] = np.nan
    logits[2] = 5
    assert not upsampled_argmax(logits, 4, (8, 7)).any()


def test_many_classes_have_their_numbers():
    logits = np.zeros((254, 1, 1), np.float32)
    logits[253] = 1
    assert (upsampled_argmax(logits, 4, (3, 4)) == 253).all()
