"""VGG-16 computes what torchvision's does with the same weights, in SSD too."""

import pytest
import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision

LAYERS = (2, 2, 3, 3, 3)


def rules(has_bn):
    """The layers of torchvision's Sequential are numbered through."""
    found, number = [], 0
    for stage, layers in enumerate(LAYERS, 1):
        for layer in range(layers):
            if has_bn:
                found.append((rf"^\w+_stage{stage}_{layer}_bn", f"features.{number + 1}"))
            found.append((rf"^\w+_stage{stage}_{layer}(?=_[wb])", f"features.{number}"))
            number += 3 if has_bn else 2
        number += 1
    return found


def maps_of(net, x):
    return last_of_stride(net.features, x)


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn"])
def test_vgg16(name):
    with torch.device("meta"):
        net = getattr(torchvision.models, name)()
    compare(name, net, rules(name == "vgg16_bn"), maps_of, unused="^classifier")


def test_reduced_vgg16_is_that_of_ssd():
    """At stride 16; SSD scales the map at stride 8, which is compared before."""
    from torchvision.models.detection.ssd import _vgg_extractor

    with torch.device("meta"):
        vgg = torchvision.models.vgg16()
    extractor = _vgg_extractor(vgg.to_empty(device="cpu"), False, 5)
    first, second = extractor.features, extractor.extra[0]
    inside = [*first, *second[:-1], *second[-1]]
    # Numbers of the layers with weights, in the order of the graph.
    numbers = [n for n, layer in enumerate(inside) if hasattr(layer, "weight")]
    names = [f"stage{s}_{n}" for s, layers in enumerate(LAYERS, 1) for n in range(layers)]
    net = torch.nn.Sequential(*inside)
    table = [
        (rf"^\w+_{name}(?=_[wb])", str(number))
        for name, number in zip([*names, "fc6", "fc7"], numbers)
    ]
    compare(
        *("vgg16", net, table, last_of_stride),
        settings={"reduced": True},
        output_stride=16,
        strides=(4, 8, 16),
    )
