"""ConvNeXt-Tiny computes what torchvision's does with the same weights."""

import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision


def test_convnext_tiny():
    with torch.device("meta"):
        net = torchvision.models.convnext_tiny()
    for layer in net.modules():
        if isinstance(layer, torchvision.ops.StochasticDepth):
            layer.p = 0.0
    compare(
        *("convnext_tiny", net, "torchvision"),
        lambda net, x: last_of_stride(net.features, x),
        settings={"stochastic_depth": 0.0},
        unused="^classifier",
    )
