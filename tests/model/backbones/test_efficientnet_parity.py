"""EfficientNets compute what torchvision's and timm's do with the same weights."""

import pytest
import torch

from tests.model.backbones.parity import compare, last_of_stride
from tests.references.timm_models import timm
from tests.references.torchvision_cpu import torchvision

LAYERS = ["expand", "depthwise", "se", "project"]


def rules():
    """Layers of a block are numbered; those of stage 1 lack the expansion."""
    table = [(r"^\w+_stem_bn", "features.0.1"), (r"^\w+_stem", "features.0.0")]
    for stage, layers in (("1", LAYERS[1:]), ("([2-7])", LAYERS)):
        for place, layer in enumerate(layers):
            block = rf"^\w+_stage{stage}_(\d+)_{layer}"
            number = r"\1.\2" if stage != "1" else r"1.\1"
            there = rf"features.{number}.block.{place}"
            table += [
                (rf"{block}_reduce", f"{there}.fc1"),
                (rf"{block}_expand", f"{there}.fc2"),
                (rf"{block}_bn", f"{there}.1"),
                (block, f"{there}.0"),
            ]
    return table


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b2"])
def test_efficientnet(name):
    with torch.device("meta"):
        net = getattr(torchvision.models, name)(stochastic_depth_prob=0.0)
    compare(
        *(name, net, rules()),
        lambda net, x: last_of_stride(net.features[:-1], x),
        settings={"stochastic_depth": 0.0},
        unused="^classifier|^features.8",
    )


# timm counts stages from 0; in stage 1 the last convolution is called conv_pw, in others conv_pwl.
LITE = (
    (r"^\w+_stem_bn", "bn1"),
    (r"^\w+_stem", "conv_stem"),
    (r"^\w+_stage1_0_depthwise_bn", "blocks.0.0.bn1"),
    (r"^\w+_stage1_0_depthwise", "blocks.0.0.conv_dw"),
    (r"^\w+_stage1_0_project_bn", "blocks.0.0.bn2"),
    (r"^\w+_stage1_0_project", "blocks.0.0.conv_pw"),
    *((rf"^\w+_stage{stage}_(\d+)_", rf"blocks.{stage - 1}.\1.") for stage in range(2, 8)),
    ("expand_bn", "bn1"),
    ("depthwise_bn", "bn2"),
    ("project_bn", "bn3"),
    ("expand", "conv_pw"),
    ("depthwise", "conv_dw"),
    ("project", "conv_pwl"),
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
        *(f"efficientnet_lite{number}", net, LITE, maps_of),
        settings={"stochastic_depth": 0.0},
        unused="^classifier|^conv_head|^bn2",
        size=size,
        output_stride=output_stride,
        strides=[stride for stride in (4, 8, 16, 32) if stride <= output_stride],
    )
