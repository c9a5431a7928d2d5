"""MobileNetV3 computes what torchvision's does with the same weights."""

import pytest
import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision


@pytest.mark.parametrize("kind", ["small", "large"])
def test_mobilenet_v3(kind):
    with torch.device("meta"):
        net = getattr(torchvision.models, f"mobilenet_v3_{kind}")()
    compare(
        *(f"mobilenetv3_{kind}", net, "torchvision"),
        lambda net, x: last_of_stride(net.features, x),
        unused="^classifier",
    )
