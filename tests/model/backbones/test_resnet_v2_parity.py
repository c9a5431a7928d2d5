"""ResNets v2 compute what MXNet's model zoo does with the same weights."""

import numpy as np
import pytest
import torch  # noqa: F401

from densefit.backend import mx
from tests.model.backbones.parity import Ours

WIDTH = 8


def zoo(depth, values, names, image):
    """The zoo's network, of a few channels, with these values."""
    vision = mx.gluon.model_zoo.vision
    kind, layers, channels = vision.resnet.resnet_spec[depth]
    block = vision.resnet.resnet_block_versions[1][kind]
    net = vision.ResNetV2(block, layers, [c * WIDTH // 64 for c in channels])
    net.initialize()
    net.cast("float64")
    net(image)  # gives the parameters their shapes
    arrays = {
        name: array
        for name, array in net._collect_params_with_prefix().items()
        if not name.startswith("output")
    }
    assert names.keys() == values.keys()
    ours = {theirs: name for name, theirs in names.items()}
    assert set(ours) == set(arrays)
    for name, array in arrays.items():
        array.set_data(mx.nd.array(values[ours[name]], dtype="float64"))
    return net.features


@pytest.mark.parametrize("depth", [18, 50])
def test_resnet_v2(depth):
    ours = Ours(f"resnet{depth}_v2", {"width": WIDTH}, (64, 64), 32, (4, 8, 16, 32))
    image = mx.nd.array(ours.image.numpy(), dtype="float64")
    features = zoo(depth, ours.values, ours.names("MXNet's model zoo and GluonCV v2"), image)
    for training in (False, True):
        with mx.autograd.record(train_mode=training):
            x, results = image, []
            for layer in features[:11]:
                x = layer(x)
                results.append(x.asnumpy())
        maps = dict(zip((4, 8, 16, 32), [*results[5:8], results[10]]))
        ours.assert_equal({key: np.asarray(value) for key, value in maps.items()}, training)
