"""Backbones: feature extractors written as MXNet Symbols; importing this package registers them."""

from densefit.model.backbones import (
    convnext,
    cspdarknet,
    darknet,
    ddrnet,
    efficientnet,
    hrnet,
    mobilenet,
    mobilenet_v3,
    regnet,
    resnet,
    resnet_v2,
    vgg,
)
from densefit.model.backbones.backbone import Backbone, backbones

__all__ = [
    "Backbone",
    "backbones",
    "convnext",
    "cspdarknet",
    "darknet",
    "ddrnet",
    "efficientnet",
    "hrnet",
    "mobilenet",
    "mobilenet_v3",
    "regnet",
    "resnet",
    "resnet_v2",
    "vgg",
]
