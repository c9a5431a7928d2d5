"""Which systems' files a backbone can be loaded from: a function for each class of backbone."""

from __future__ import annotations

from functools import singledispatch

from densefit.checkpoint.weights.maps.name_map import NameMap
from densefit.model.backbones import Backbone

#: What wrappers put in front of a model's names: DataParallel, Lightning.
_WRAPPERS = ("", "module.", "model.")
#: What whole models put in front of their backbone's names: torchvision's segmenters and detectors,
#: segmentation_models_pytorch, YOLOX.
_MODELS = ("", "backbone.", "backbone.body.", "encoder.", "backbone.backbone.")
PREFIXES = tuple(wrapper + model for model in _MODELS for wrapper in _WRAPPERS)


@singledispatch
def layouts_of(backbone: Backbone) -> dict[str, NameMap]:
    """Return layout -> names of a backbone's parameters in it.

    A family of backbones registers its own: `@layouts_of.register` above a function of it. Others
    are loaded from files with densefit's names alone.

    Args:
        backbone: the backbone.
    """
    return {}
