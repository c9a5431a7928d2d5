"""ResNets compute what torchvision's and timm's do with the same weights."""

import pytest
import torch

from tests.model.backbones.parity import compare
from tests.references.timm_models import timm
from tests.references.torchvision_cpu import torchvision

PLAIN = "torchvision, timm"


def maps_of(net, x):
    """The results of the stages; where strides are dilated, the last of a stride is its map."""
    x = net.maxpool(torch.relu(net.bn1(net.conv1(x))))
    maps = {}
    for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
        x = layer(x)
        maps[64 // x.shape[-1]] = x
    return maps


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_resnet(name):
    with torch.device("meta"):
        net = getattr(torchvision.models, name)(weights=None)
    compare(name, net, PLAIN, maps_of, unused=r"^fc\.")


def test_dilated_resnet():
    """torchvision replaces the strides of the last stages as we do (Chen et al. 2017)."""
    with torch.device("meta"):
        net = torchvision.models.resnet50(replace_stride_with_dilation=[False, True, True])
    compare(
        *("resnet50", net, PLAIN, maps_of),
        unused=r"^fc\.",
        output_stride=8,
        strides=(4, 8),
    )


def test_resnext():
    with torch.device("meta"):
        net = torchvision.models.resnext50_32x4d(weights=None)
    compare("resnext50_32x4d", net, PLAIN, maps_of, unused=r"^fc\.")


@pytest.mark.parametrize("name", ["resnet18d", "resnet50d"])
def test_resnet_d(name):
    with torch.device("meta"):
        net = timm.create_model(name)
    compare(name, net, "timm v1d", maps_of, unused=r"^fc\.")
