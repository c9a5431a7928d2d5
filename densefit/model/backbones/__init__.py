"""Backbones: feature extractors written as MXNet Symbols; importing this package registers them."""

from densefit.model.backbones import (
    efficientnet,
    mobilenet,
    mobilenet_v3,
    resnet,
    resnet_v2,
    vgg,
)
from densefit.model.backbones.backbone import Backbone, backbones

__all__ = [
    "Backbone",
    "backbones",
    "efficientnet",
    "mobilenet",
    "mobilenet_v3",
    "resnet",
    "resnet_v2",
    "vgg",
]
