"""Backbones have as many parameters and multiply-adds as is published."""

from typing import NamedTuple

import numpy as np
import pytest

from densefit.model.backbones import backbones
from densefit.model.complexity import multiply_adds
from densefit.symbol import sym


class Published(NamedTuple):
    """What is published of a whole classifier, and the layers of it that a backbone lacks.

    Attributes:
        parameters: number of parameters.
        giga: multiply-adds / 1e9, to as many digits as are published.
        lacking: (parameters, multiply-adds) of the layers behind the backbone.
        size: height and width of the image.
    """

    parameters: int
    giga: str
    lacking: tuple[int, int]
    size: int = 224


def dense(inputs, outputs=1000):
    return inputs * outputs + outputs, inputs * outputs


def classifier(inputs, outputs, cells):
    """A 1x1 convolution with BatchNorm on cells x cells, and a dense layer."""
    convolution = inputs * outputs + 2 * outputs, inputs * outputs * cells**2
    return added(convolution, dense(outputs))


def conv(inputs, outputs, kernel, cells, bias=False):
    """A convolution with BatchNorm on cells x cells."""
    weights = inputs * outputs * kernel**2
    return weights + (2 + bias) * outputs, weights * cells**2


def added(*layers):
    return tuple(map(sum, zip(*layers)))


VGG = added(dense(512 * 49, 4096), dense(4096, 4096), dense(4096))
# Bottlenecks on each branch, what joins them, and the classifier.
HRNET = [
    *(
        conv(*layer, 56 // 2**n)
        for n in range(4)
        for c, p in [(18 * 2**n, 32 * 2**n)]
        for layer in ((c, p, 1), (p, p, 3), (p, 4 * p, 1), (c, 4 * p, 1))
    ),
    *(conv(128 * 2**n, 256 * 2**n, 3, 28 // 2**n, bias=True) for n in range(3)),
    conv(1024, 2048, 1, 7, bias=True),
    dense(2048),
]

# torchvision's `num_params` and `_ops`; v1d: timm's.
PUBLISHED = {
    "resnet18": Published(11_689_512, "1.814", dense(512)),
    "resnet34": Published(21_797_672, "3.664", dense(512)),
    "resnet50": Published(25_557_032, "4.089", dense(2048)),
    "resnet101": Published(44_549_160, "7.801", dense(2048)),
    "resnet152": Published(60_192_808, "11.514", dense(2048)),
    "resnet18d": Published(11_708_744, "2.06", dense(512)),
    "resnet34d": Published(21_816_904, "3.91", dense(512)),
    "resnet50d": Published(25_576_264, "4.35", dense(2048)),
    "resnet101d": Published(44_568_392, "8.08", dense(2048)),
    "resnet152d": Published(60_212_040, "11.80", dense(2048)),
    "resnext50_32x4d": Published(25_028_904, "4.23", dense(2048)),
    "resnext101_32x8d": Published(88_791_336, "16.414", dense(2048)),
    # Parameters of MXNet's model zoo, multiply-adds of v1b.
    "resnet18_v2": Published(11_687_854, "1.814", dense(512)),
    "resnet34_v2": Published(21_796_014, "3.664", dense(512)),
    "resnet50_v2": Published(25_549_486, "4.089", dense(2048)),
    "resnet101_v2": Published(44_541_614, "7.801", dense(2048)),
    "resnet152_v2": Published(60_185_262, "11.514", dense(2048)),
    # Its last 1x1 convolution, with BatchNorm, is not in the backbone.
    "mobilenetv2": Published(3_504_872, "0.301", (412_160 + 1_281_000, 409_600 * 49 + 1_280_000)),
    "mobilenetv3_small": Published(2_542_856, "0.057", added(dense(576, 1024), dense(1024))),
    "mobilenetv3_large": Published(5_483_032, "0.217", added(dense(960, 1280), dense(1280))),
    "efficientnet_b0": Published(5_288_548, "0.386", classifier(320, 1280, 7)),
    "efficientnet_b1": Published(7_794_184, "0.687", classifier(320, 1280, 8), 240),
    "efficientnet_b2": Published(9_109_994, "1.088", classifier(352, 1408, 9), 288),
    "efficientnet_b3": Published(12_233_232, "1.827", classifier(384, 1536, 10), 300),
    # The authors' 407, 631 and 899 M count 5 % more than convolutions; these are timm's layers.
    "efficientnet_lite0": Published(4_652_008, "0.385", classifier(320, 1280, 7)),
    "efficientnet_lite1": Published(5_416_680, "0.600", classifier(320, 1280, 8), 240),
    "efficientnet_lite2": Published(6_092_072, "0.860", classifier(352, 1280, 9), 260),
    "regnety_400mf": Published(4_344_144, "0.402", dense(440)),
    "convnext_tiny": Published(28_589_128, "4.456", added((2 * 768, 0), dense(768))),
    # Parameters of timm's; 18.57 billion operations, two a multiply-add, by its author.
    "darknet53": Published(41_609_928, "9.285", dense(1024), 256),
    # timm's parameters; 3.99 G by its authors.
    "hrnet_w18": Published(21_299_004, "3.99", added(*HRNET)),
    "vgg16": Published(138_357_544, "15.47", VGG),
    "vgg16_bn": Published(138_365_992, "15.47", VGG),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_size(name):
    published = PUBLISHED[name]
    size = (published.size, published.size)
    features = backbones.create(name).features(sym.Variable("data"), size, 32)
    symbol = sym.Group(list(features.maps.values()))
    shapes, _, _ = symbol.infer_shape(data=(1, 3, *size))
    sizes = {n: int(np.prod(s)) for n, s in zip(symbol.list_arguments(), shapes) if n != "data"}
    assert sum(sizes.values()) == published.parameters - published.lacking[0]
    assert all(key.startswith(f"{name}_") for key in sizes)
    total = sum(multiply_adds(symbol, data=(1, 3, *size)).values()) + published.lacking[1]
    digits = len(published.giga.split(".")[1])
    rounding = 0.5 * 10.0**-digits
    assert total / 1e9 == pytest.approx(float(published.giga), rel=0.005, abs=rounding)
