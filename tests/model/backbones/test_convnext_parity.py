"""ConvNeXt-Tiny computes what torchvision's does with the same weights."""

import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.torchvision_cpu import torchvision

RULES = (
    (r"^\w+?_stem_norm", "features.0.1"),
    (r"^\w+?_stem", "features.0.0"),
    *((rf"^\w+?_stage{n}_down_norm", f"features.{2 * n - 2}.0") for n in (2, 3, 4)),
    *((rf"^\w+?_stage{n}_down", f"features.{2 * n - 2}.1") for n in (2, 3, 4)),
    *((rf"^\w+?_stage{n}_(\d)_", rf"features.{2 * n - 1}.\1.") for n in (1, 2, 3, 4)),
    (r"depthwise", "block.0"),
    (r"\.norm", ".block.2"),
    (r"fc1", "block.3"),
    (r"fc2", "block.5"),
    (r"\.scale$", ".layer_scale"),
)


def test_convnext_tiny():
    with torch.device("meta"):
        net = torchvision.models.convnext_tiny()
    for layer in net.modules():
        if isinstance(layer, torchvision.ops.StochasticDepth):
            layer.p = 0.0
    compare(
        *("convnext_tiny", net, RULES),
        lambda net, x: last_of_stride(net.features, x),
        settings={"stochastic_depth": 0.0},
        unused="^classifier",
    )
