"""Names of parameters in files of other systems, a file for each family of backbones."""

from densefit.checkpoint.weights.maps import (
    convnext,
    darknet,
    efficientnet,
    hrnet,
    mobilenetv2,
    mobilenetv3,
    regnet,
    resnet,
    resnet_v2,
    vgg,
)
from densefit.checkpoint.weights.maps.layouts import PREFIXES, layouts_of
from densefit.checkpoint.weights.maps.name_map import NameMap

__all__ = [
    "PREFIXES",
    "NameMap",
    "convnext",
    "darknet",
    "efficientnet",
    "hrnet",
    "layouts_of",
    "mobilenetv2",
    "mobilenetv3",
    "regnet",
    "resnet",
    "resnet_v2",
    "vgg",
]
