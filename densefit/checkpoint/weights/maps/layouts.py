"""Which systems' files a backbone can be loaded from: a function for each class of backbone."""

from __future__ import annotations

from functools import singledispatch

from densefit.checkpoint.weights.maps.name_map import NameMap
from densefit.model.backbones import Backbone

#: What wrappers and whole models put in front of a backbone's names: DataParallel, Lightning,
#: torchvision's segmentation and detection, segmentation_models_pytorch.
PREFIXES = ("", "module.", "model.", "backbone.", "backbone.body.", "encoder.", "module.backbone.")


@singledispatch
def layouts_of(backbone: Backbone) -> dict[str, NameMap]:
    """Return layout -> names of a backbone's parameters in it.

    A family of backbones registers its own: `@layouts_of.register` above a function of it. Others
    are loaded from files with densefit's names alone.

    Args:
        backbone: the backbone.
    """
    return {}
