"""MobileNetV3 computes what torchvision's does with the same weights."""

import pytest
import torch

from densefit.model.backbones.mobilenet_v3 import LARGE, SMALL
from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision


def rules(blocks):
    """Layers of a block are numbered, without those that it lacks."""
    table = [(r"^\w+_stem_bn", "features.0.1"), (r"^\w+_stem", "features.0.0")]
    inputs = 16
    for number, (_, inner, outputs, has_se, *_) in enumerate(blocks):
        layers = ["expand"] * (inner != inputs) + ["depthwise"] + ["se"] * has_se + ["project"]
        for place, layer in enumerate(layers):
            there = f"features.{number + 1}.block.{place}"
            if layer == "se":
                table.append((rf"^\w+_block{number}_se_reduce", f"{there}.fc1"))
                table.append((rf"^\w+_block{number}_se_expand", f"{there}.fc2"))
            table.append((rf"^\w+_block{number}_{layer}_bn", f"{there}.1"))
            table.append((rf"^\w+_block{number}_{layer}", f"{there}.0"))
        inputs = outputs
    last = f"features.{len(blocks) + 1}"
    return [*table, (r"^\w+_last_bn", f"{last}.1"), (r"^\w+_last", f"{last}.0")]


@pytest.mark.parametrize(("kind", "blocks"), [("small", SMALL), ("large", LARGE)])
def test_mobilenet_v3(kind, blocks):
    with torch.device("meta"):
        net = getattr(torchvision.models, f"mobilenet_v3_{kind}")()
    compare(
        *(f"mobilenetv3_{kind}", net, rules(blocks)),
        lambda net, x: last_of_stride(net.features, x),
        unused="^classifier",
    )
