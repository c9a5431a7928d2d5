"""Names of parameters in files of other systems, a file for each family of backbones."""

from densefit.checkpoint.weights.maps import efficientnet, mobilenetv2, resnet
from densefit.checkpoint.weights.maps.layouts import PREFIXES, layouts_of
from densefit.checkpoint.weights.maps.name_map import NameMap

__all__ = ["PREFIXES", "NameMap", "efficientnet", "layouts_of", "mobilenetv2", "resnet"]
