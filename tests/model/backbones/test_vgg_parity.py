"""VGG-16 computes what torchvision's does with the same weights, in SSD too."""

import pytest
import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision


def maps_of(net, x):
    return last_of_stride(net.features, x)


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn"])
def test_vgg16(name):
    with torch.device("meta"):
        net = getattr(torchvision.models, name)()
    compare(name, net, "torchvision", maps_of, unused="^classifier")


class SSD(torch.nn.Module):
    """SSD's backbone without the scale of the map at stride 8."""

    def __init__(self, extractor):
        super().__init__()
        self.features, self.extra = extractor.features, extractor.extra

    @property
    def layers(self):
        first = self.extra[0]
        return [*self.features, *first[:-1], *first[-1]]


def test_reduced_vgg16_is_that_of_ssd():
    """At stride 16; SSD scales the map at stride 8, which is compared before."""
    from torchvision.models.detection.ssd import _vgg_extractor

    with torch.device("meta"):
        vgg = torchvision.models.vgg16()
    net = SSD(_vgg_extractor(vgg.to_empty(device="cpu"), False, 5))
    compare(
        *("vgg16", net, "torchvision's SSD"),
        lambda net, x: last_of_stride(net.layers, x),
        settings={"reduced": True},
        output_stride=16,
        strides=(4, 8, 16),
        unused="^scale_weight|^extra.[1-9]",
    )
