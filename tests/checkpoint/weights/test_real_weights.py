"""The real weights of MobileNetV2 give the features that they give in torchvision.

`make weights` fetches them. With DENSEFIT_TEST_WEIGHTS=mobilenetv2 they must be there.
"""

import os

import numpy as np
import pytest
import torch

import densefit as df
from densefit.checkpoint.weights.files.weight_file import read_weights
from densefit.checkpoint.weights.library.search import find
from densefit.checkpoint.weights.library.table import TABLE
from densefit.symbol import sym
from tests.executor import Executor
from tests.references.mobilenetv2_of_arrays import maps, tensors

NAME = "mobilenetv2"


@pytest.fixture(scope="module")
def file():
    path = find(next(entry for entry in TABLE if entry.name == NAME))
    if path is None:
        if NAME in os.environ.get("DENSEFIT_TEST_WEIGHTS", "").split(","):
            pytest.fail("DENSEFIT_TEST_WEIGHTS names weights that are not there: make weights")
        pytest.skip("the weights are not on the search path: make weights")
    return path


@pytest.fixture(scope="module")
def image():
    """Smooth noise, so that deep features are not all zero: (2, 3, 96, 128) in [0, 255]."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (2, 3, 12, 16))
    return coarse.repeat(8, axis=2).repeat(8, axis=3).astype(np.float32)


@pytest.fixture(scope="module")
def features(file, image):
    """stride -> array of densefit's backbone with the weights."""
    network = df.Network(NAME, [df.head("classification", classes=2)])
    report = df.load_weights(network, "imagenet")
    assert report.path == str(file)
    assert len(report.loaded) == 255
    assert report.unexpected == []
    symbols = network.backbone.features(sym.Variable("data"), image.shape[2:], 32).maps
    strides = [4, 8, 16, 32]
    group = sym.Group([symbols[stride] for stride in strides])
    executor = Executor(group, gradients=False, data=image.shape)
    values = {**network.parameters, **network.statistics}
    for part in (executor.arg_dict, executor.aux_dict):
        for name in part:
            if name != "data":
                part[name][:] = values[name]
    executor.forward(data=image)
    return dict(zip(strides, map(np.asarray, executor.outputs)))


def normalised(image):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    return (torch.from_numpy(image) / 255 - mean) / std


def check(features, expected):
    for stride, array in features.items():
        theirs = expected[stride].numpy()
        assert array.shape == theirs.shape
        assert theirs.std() > 0.1
        assert np.abs(array - theirs).max() <= 1e-4 * np.abs(theirs).max(), stride


def test_features_are_those_of_the_paper_with_the_file(features, file, image):
    with torch.no_grad():
        check(features, maps(tensors(read_weights(file)), normalised(image)))


def test_features_are_torchvisions(features, file, image):
    reference = pytest.importorskip("tests.references.torchvision_cpu", exc_type=ImportError)
    model = reference.torchvision.models.mobilenet_v2()
    model.load_state_dict(torch.load(file, weights_only=True))
    model.eval()
    x, expected = normalised(image), {}
    with torch.no_grad():
        for layer in model.features[:18]:
            x = layer(x)
            expected[image.shape[2] // x.shape[2]] = x  # the last one of each stride
    check(features, expected)


def test_pytorch_reads_the_same_arrays(file):
    state = torch.load(file, weights_only=True)
    arrays = read_weights(file)
    assert list(arrays) == list(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())
