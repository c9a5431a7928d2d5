"""Backbones: feature extractors written as MXNet Symbols; importing this package registers them."""

from densefit.model.backbones import mobilenet, resnet, resnet_v2
from densefit.model.backbones.backbone import Backbone, backbones

__all__ = ["Backbone", "backbones", "mobilenet", "resnet", "resnet_v2"]
