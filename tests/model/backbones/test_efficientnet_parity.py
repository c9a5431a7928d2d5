"""EfficientNets compute what torchvision's and timm's do with the same weights."""

import pytest
import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.timm_models import timm
from tests.references.torchvision_cpu import torchvision


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b2"])
def test_efficientnet(name):
    with torch.device("meta"):
        net = getattr(torchvision.models, name)(stochastic_depth_prob=0.0)
    compare(
        *(name, net, "torchvision"),
        lambda net, x: last_of_stride(net.features[:-1], x),
        settings={"stochastic_depth": 0.0},
        unused="^classifier|^features.8",
    )


@pytest.mark.parametrize(
    ("number", "size", "output_stride"),
    [(0, (64, 65), 32), (0, (65, 64), 8), (1, (68, 96), 16), (2, (68, 32), 32)],
)
def test_efficientnet_lite(number, size, output_stride):
    """64, 65 and 68 have maps of even and odd sizes at other strides, as 224, 225 and 260 have."""
    with torch.device("meta"):
        net = timm.create_model(f"tf_efficientnet_lite{number}", output_stride=output_stride)

    def maps_of(net, x):
        stem = torch.nn.Sequential(net.conv_stem, net.bn1)
        maps, y = {}, x
        stride = 1
        for layer in (stem, *net.blocks):
            before, y = y.shape[-1], layer(y)
            stride *= 1 if y.shape[-1] == before else 2
            maps[stride] = y
        return maps

    compare(
        *(f"efficientnet_lite{number}", net, "timm", maps_of),
        settings={"stochastic_depth": 0.0},
        unused="^classifier|^conv_head|^bn2",
        size=size,
        output_stride=output_stride,
        strides=[stride for stride in (4, 8, 16, 32) if stride <= output_stride],
    )
