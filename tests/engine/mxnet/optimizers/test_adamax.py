"""Adamax is MXNet's, but where that makes nan."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.mxnet.optimizers.adamax import Adamax

SETTINGS = {"learning_rate": 0.1, "rescale_grad": 0.5, "clip_gradient": 2.0}


def run(kind, gradients, **settings):
    optimizer = kind(**{**SETTINGS, **settings})
    weight = mx.nd.array(np.linspace(-1, 1, gradients.shape[1]))
    state = optimizer.create_state(0, weight)
    for gradient in gradients:
        optimizer.update(0, weight, mx.nd.array(gradient), state)
    return weight.asnumpy()


@pytest.mark.parametrize("wd", [0.0, 0.1])
def test_it_equals_mxnets_where_there_was_a_gradient(wd):
    gradients = np.random.default_rng(0).normal(size=(4, 7))
    gradients[1, 3] = 0
    ours, theirs = (run(kind, gradients, wd=wd) for kind in (Adamax, mx.optimizer.Adamax))
    np.testing.assert_array_equal(ours, theirs)
    assert np.isfinite(ours).all()


def test_a_weight_without_any_gradient_stays():
    gradients = np.random.default_rng(0).normal(size=(4, 7))
    gradients[:, 2] = 0
    ours, theirs = (run(kind, gradients) for kind in (Adamax, mx.optimizer.Adamax))
    assert np.isnan(theirs[2])
    assert ours[2] == np.linspace(-1, 1, 7, dtype=np.float32)[2]
    assert (np.delete(ours, 2) == np.delete(theirs, 2)).all()


def test_decay_is_a_gradient():
    gradients = np.zeros((1, 7))
    moved = run(Adamax, gradients, wd=0.1)
    before = np.linspace(-1, 1, 7, dtype=np.float32)
    assert (moved[before != 0] != before[before != 0]).all()
    assert moved[3] == before[3] == 0
