"""RegNetY-400MF computes what torchvision's does with the same weights."""

import torch  # noqa: F401

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision


def test_regnety_400mf():
    net = torchvision.models.regnet_y_400mf()
    compare(
        *("regnety_400mf", net, "torchvision"),
        lambda net, x: last_of_stride([net.stem, *net.trunk_output], x),
        unused="^fc",
    )
