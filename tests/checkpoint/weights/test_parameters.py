"""Parameters of checkpoints that a network computes with, though they look wrong."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import CheckpointError
from tests.checkpoint.weights.layout_files import network_of, random_arrays

NAME = "resnet18_stem_bn_moving_var"


def network_with(variance):
    network = network_of("resnet18")
    arrays = random_arrays(network)
    arrays[NAME] = np.full(8, variance, np.float32)
    heads = {"kind_class_weight": np.ones((3, 64)), "kind_class_bias": np.ones(3)}
    moving = {name for name in arrays if name.endswith(("_mean", "_var"))}
    network.set_params(
        {**{name: array for name, array in arrays.items() if name not in moving}, **heads},
        {name: arrays[name] for name in moving},
    )
    return network


def test_a_variance_of_zero_that_was_rounded_is_loaded_as_it_is(tmp_path):
    df.save(network_with(-7.8125e-13), tmp_path / "saved")
    loaded = df.load(tmp_path / "saved").statistics[NAME]
    np.testing.assert_array_equal(loaded, np.full(8, -7.8125e-13, np.float32))
    df.save(network_with(-1e-6), tmp_path / "other")
    with pytest.raises(CheckpointError, match="is negative"):
        df.load(tmp_path / "other")


def test_mxnet_writes_such_a_variance_for_a_channel_that_is_constant(mx):
    layer = mx.gluon.nn.BatchNorm(epsilon=1e-5, running_variance_initializer="zeros")
    layer.initialize()
    with mx.autograd.record():
        out = layer(mx.nd.zeros((2, 3, 4, 4)))
    out.backward()  # which moves the statistics
    variance = layer.running_var.data().asnumpy()
    assert (variance < 0).all()
    assert (variance > -1e-12).all()
