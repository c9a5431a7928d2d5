"""Backbones: published sizes, and maps of the promised shapes."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.backbones import backbones
from densefit.model.backbones.backbone import MEAN, STD
from densefit.model.backbones.mobilenet import whole_channels
from densefit.symbol import sym
from tests.executor import Executor
from tests.model.backbones.narrow import KINDS, NARROW
from tests.model.backbones.random_values import random_value
from tests.model.backbones.test_published import PUBLISHED

#: Compared with a reference alone.
UNPUBLISHED = {"cspdarknet_s", "ddrnet23_slim"}


def features(name, size, output_stride, settings):
    made = backbones.create(name, **settings)
    return made.features(sym.Variable("data"), size, output_stride)


def test_all_are_tried():
    registered = backbones.names()
    assert {n for n in registered if backbones.get(n).__module__.startswith("densefit.")} == set(
        NARROW
    )
    assert set(KINDS) <= set(NARROW)
    assert set(PUBLISHED) | UNPUBLISHED == set(NARROW)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize("size", [(64, 96), (45, 71), (33, 1)])
def test_shapes_of_the_maps(name, output_stride, size):
    found = features(name, size, output_stride, NARROW[name])
    assert sorted(found.maps) == [s for s in (4, 8, 16, 32) if s <= output_stride]
    for stride, symbol in found.maps.items():
        _, (shape,), _ = symbol.infer_shape(data=(2, 3, *size))
        assert shape == (2, found.channels[stride], *found.size(stride))


@pytest.mark.parametrize("name", KINDS)
def test_dilation_changes_no_parameter(name):
    """The maps have the same weights at every output stride."""
    shapes = []
    for output_stride in (8, 16, 32):
        symbol = sym.Group(
            list(features(name, (64, 64), output_stride, NARROW[name]).maps.values())
        )
        arguments, _, _ = symbol.infer_shape(data=(1, 3, 64, 64))
        shapes.append(dict(zip(symbol.list_arguments(), arguments)))
    assert shapes[0] == shapes[1] == shapes[2]


def run(symbol, weights, image):
    executor = Executor(symbol, gradients=False, data=image.shape)
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        if name != "data":
            array[:] = weights(name, array.shape)
    return executor.forward(is_train=False, data=image)[0]


# The second layer of ResNet-18's stages is not dilated enough, and checkpoints are trained so; SAME
# padding depends on the stride; VGG-16's deepest map lies before or behind a pooling; YOLOX pools
# whole windows; HRNet and DDRNet stack their branches.
STACKED = {"hrnet_w18", "ddrnet23_slim"}
NOT_IN_BETWEEN = {"resnet18", "vgg16", "efficientnet_lite0", "cspdarknet_s", *STACKED}


@pytest.mark.parametrize(
    ("name", "output_stride"),  # one stage is dilated for 16, as the first of two for 8
    [*((name, 8) for name in KINDS if name not in NOT_IN_BETWEEN), ("resnet50", 16)],
)
def test_dilated_features_are_the_strided_ones_in_between(name, output_stride):
    """Every second cell of the stride-16 map of a dilated network is the stride-32 map.

    So weights that were trained at one output stride serve another (DeepLab, section 3.1). Gates of
    squeeze-and-excitation depend on the whole map; here they are constant.
    """

    def weights(key, shape):
        if "_se_reduce" in key:
            return np.zeros(shape)
        return random_value(key, shape, np.random.default_rng(abs(hash_of(key))))

    size, step = (96, 64), 32 // output_stride
    image = np.random.default_rng(0).integers(0, 255, (1, 3, *size)).astype(np.float32)
    fine = run(
        features(name, size, output_stride, NARROW[name]).maps[output_stride], weights, image
    )
    coarse = run(features(name, size, 32, NARROW[name]).maps[32], weights, image)
    assert coarse.std() > 1e-4
    error = np.abs(fine[:, :, ::step, ::step] - coarse).max() / np.abs(coarse).max()
    assert error < 1e-4


def hash_of(text):
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 2**31


def test_pictures_travel_as_bytes_and_are_normalised_in_the_graph():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, 3, 5, 7), np.uint8)
    from densefit.model.backbones.backbone import normalise

    executor = Executor(
        normalise(sym.Variable("data"), MEAN, STD),
        gradients=False,
        data=image.shape,
        types={"data": np.uint8},
    )
    (out,) = executor.forward(data=image)
    expected = (image - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_wrong_names_and_strides(tiny):
    with pytest.raises(ConfigError, match="did you mean 'resnet18'"):
        df.Network("resnet81", [tiny.Brightness()])
    with pytest.raises(ConfigError, match="output stride must be 8, 16 or 32"):
        df.Network("resnet18", [tiny.Brightness()], output_stride=4)


def test_whole_channels():
    assert [whole_channels(32 * m) for m in (0.35, 0.5, 0.75, 1.0, 1.4)] == [16, 16, 24, 32, 48]
