"""The decoders compute what their references do with equal weights, gradients too.

References: segmentation_models_pytorch's modules, and torchvision's LRASPPHead as stated here.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from densefit.model.decoders import decoders
from densefit.model.heads.features import AuxiliaryMap
from densefit.symbol import sym
from tests.model.decoders.parity import CHANNELS, bound, compare, features, load
from tests.references import ddrnet
from tests.references.smp_parts import part

SIZES = [(64, 96), (90, 71)]


def up(scores, size, factor):
    """Bilinear upsampling by a factor, cropped as our maps of stride 4 are."""
    scores = functional.interpolate(scores, scale_factor=factor, mode="bilinear")
    return scores[..., : -(-size[0] // 4), : -(-size[1] // 4)]


class Reference(nn.Module):
    """A decoder of segmentation_models_pytorch with its head."""

    def __init__(self, decoder, channels, kernel):
        super().__init__()
        self.decoder = decoder
        self.head = nn.Sequential(nn.Conv2d(channels, 5, kernel, padding=kernel // 2))


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_unet(each_engine, size, is_train):
    given = features(size)
    executor = bound(decoders.create("unet", channels=4)(given, "own", 5), given, smooth=is_train)
    channels = [3, 2, *CHANNELS.values()]
    decoder = part("decoders.unet.decoder").UnetDecoder(channels, (16, 8, 4, 2, 1), 5)
    decoder.blocks = decoder.blocks[:3]  # the two further blocks have strides 2 and 1
    rules = [(r"^logits", "head")]
    rules += [
        (rf"^up{stride}_conv", rf"decoder.blocks.{n}.conv") for n, stride in enumerate((16, 8, 4))
    ]
    module = load(Reference(decoder, 4, 3), executor, rules)

    def forward(module, maps):
        shallow = [torch.empty(2, 3, *size), torch.empty(2, 2, *given.size(2))]
        return module.head(module.decoder([*shallow, *(maps[stride] for stride in CHANNELS)]))

    compare(executor, module, forward, is_train)


@pytest.mark.parametrize("is_train", [False, True])
@pytest.mark.parametrize("deepest", [8, 16])
@pytest.mark.parametrize("size", SIZES)
def test_pspnet(each_engine, size, deepest, is_train):
    given = features(size, deepest)
    settings = {"channels": 6, "dropout": 0, "output_stride": deepest}
    executor = bound(decoders.create("pspnet", **settings)(given, "own", 5), given, smooth=is_train)
    pspnet = part("decoders.pspnet.decoder").PSPDecoder
    decoder = pspnet([CHANNELS[deepest]], out_channels=6, dropout=0)
    rules = [(r"^logits", "head"), (r"^fuse", "decoder.conv")]
    rules += [(rf"^pool{n}", f"decoder.psp.blocks.{i}.pool.1") for i, n in enumerate((1, 2, 3, 6))]
    module = load(Reference(decoder, 6, 3), executor, rules)

    def forward(module, maps):
        return up(module.head(module.decoder([maps[deepest]])), size, deepest // 4)

    compare(executor, module, forward, is_train)


@pytest.mark.parametrize("is_train", [False, True])
def test_segformer(each_engine, is_train):
    size = (64, 96)  # the reference stretches maps of other sizes
    given = features(size)
    settings = {"channels": 6, "dropout": 0}
    executor = bound(
        decoders.create("segformer", **settings)(given, "own", 5), given, smooth=is_train
    )
    channels = [3, 2, *CHANNELS.values()]
    decoder = part("decoders.segformer.decoder").SegformerDecoder(
        [channels[0], *channels[2:]], segmentation_channels=6
    )
    rules = [(r"^logits", "head"), (r"^fuse", "decoder.fuse_stage")]
    rules += [
        (rf"^linear{stride}\.0", f"decoder.mlp_stage.{n}.linear")
        for n, stride in enumerate((32, 16, 8, 4))
    ]
    for name, array in executor.arg_dict.items():  # a linear layer's weights have two axes
        if "_linear" in name and name.endswith("weight"):
            executor.arg_dict[name] = array[:, :, 0, 0]
    whole = dict(executor.arg_dict)
    module = load(Reference(decoder, 6, 1), executor, rules)
    for name, array in whole.items():
        if array.ndim == 2:
            executor.arg_dict[name] = array[:, :, None, None]

    def forward(module, maps):
        shallow = [torch.empty(2, 3, *size), torch.empty(2, 0, *given.size(2))]
        return module.head(module.decoder([*shallow, *(maps[stride] for stride in CHANNELS)]))

    compare(executor, module, forward, is_train)


class LRASPPHead(nn.Module):
    """As torchvision.models.segmentation.lraspp has it."""

    def __init__(self, low, high, classes, inner):
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU()
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(high, inner, 1, bias=False), nn.Sigmoid()
        )
        self.low_classifier = nn.Conv2d(low, classes, 1)
        self.high_classifier = nn.Conv2d(inner, classes, 1)

    def forward(self, low, high):
        x = self.cbr(high) * self.scale(high)
        x = functional.interpolate(x, size=low.shape[-2:], mode="bilinear", align_corners=False)
        return self.low_classifier(low) + self.high_classifier(x)


@pytest.mark.parametrize("is_train", [False, True])
def test_lraspp(each_engine, is_train):
    size = (64, 96)
    given = features(size, 16)
    executor = bound(decoders.create("lraspp", channels=6)(given, "own", 5), given, smooth=is_train)
    rules = [
        (r"^gate\.0", "scale.1"),
        (r"^deep", "cbr"),
        (r"^logits\.0", "high_classifier"),
        (r"^score8\.0", "low_classifier"),
    ]
    module = load(LRASPPHead(8, 12, 5, 6), executor, rules)
    compare(executor, module, lambda m, maps: up(m(maps[8], maps[16]), size, 2), is_train)


DDRNET = [
    (r"^context_pool(\d+)_sum", lambda match: f"context.sums.{(2, 4, 8).index(int(match[1]))}"),
    (r"^context_mean_sum", "context.sums.3"),
    (r"^context_pool(\d+)", lambda match: f"context.scales.{(2, 4, 8).index(int(match[1]))}"),
    (r"^context_mean", "context.scales.3"),
    (r"^context_", "context."),
    (r"^(head|logits)", r"scores.\1"),
    (r"^deep_shortcut", "deep.shortcut"),
    (r"^deep_conv(\d)", lambda match: f"deep.layers.{int(match[1]) - 1}"),
    # BatchNorm and ReLU come before the convolution.
    (r"^((?:context|scores|head|logits).*)\.0\.(weight|bias)$", r"\1.2.\2"),
    (r"^((?:context|scores|head|logits).*)\.1\.(\w+)$", r"\1.0.\2"),
]


@pytest.mark.parametrize("is_train", [False, True])
def test_ddrnet(each_engine, is_train):
    """At stride 64 the map has 16x8 cells, the multiple of all windows' strides."""
    size = (1024, 512)
    given = features(size)
    settings = {"channels": 6, "context": 4}
    executor = bound(decoders.create("ddrnet", **settings)(given, "own", 5), given, smooth=is_train)
    module = load(ddrnet.Decoder(CHANNELS[8], CHANNELS[32], 4, 6, 5), executor, DDRNET)
    if is_train:
        patch_relu(module)
    compare(executor, module, lambda module, maps: up(module(maps[8], maps[32]), size, 2), is_train)


def patch_relu(module):
    """Let bottlenecks use softplus, too, as `compare` does with layers."""
    module.deep.activation = functional.softplus


@pytest.mark.parametrize("is_train", [False, True])
def test_the_auxiliary_head_of_ddrnet(each_engine, is_train):
    size = (64, 90)
    given = replace(features(size), auxiliary=AuxiliaryMap(8, sym.Variable("map8"), CHANNELS[8]))
    symbol = decoders.create("ddrnet", channels=6).auxiliary(given, "own", 5)
    executor = bound(symbol, replace(given, maps={8: given.maps[8]}), smooth=is_train)
    rules = [
        (r"^(head|logits)\.0\.(weight|bias)$", r"\1.2.\2"),
        (r"^(head|logits)\.1\.(\w+)$", r"\1.0.\2"),
    ]
    module = load(ddrnet.Head(CHANNELS[8], 6, 5), executor, rules)
    compare(executor, module, lambda module, maps: up(module(maps[8]), size, 2), is_train)
