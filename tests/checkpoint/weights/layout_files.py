"""Networks and files of weights with the names of other systems."""

import numpy as np

import densefit as df
from densefit.checkpoint.weights.maps import layouts_of
from densefit.model.parameters import owners, shapes
from tests.model.backbones.narrow import KINDS, NARROW

SMALL = {
    **{name: NARROW[name] for name in KINDS},
    "resnet18": {"width": 8},
    "resnet34": {"width": 8},
    "resnet50": {"width": 8},
    "vgg16_bn": {"width": 4},
    "darknet53": {"width": 4, "slope": 0.01},
}


def network_of(backbone, **settings):
    head = df.head("classification", classes=3, name="kind")
    return df.Network(backbone, [head], settings={**SMALL[backbone], **settings})


def trunk_of(network):
    return [name for name, owner in owners(network).items() if owner is None]


def random_arrays(network, seed=0):
    """Values of the trunk, each another, with which features neither vanish nor explode."""
    rng, sizes = np.random.default_rng(seed), shapes(network)
    arrays = {}
    for name in trunk_of(network):
        size = sizes[name]
        is_kernel = len(size) == 4
        drawn = rng.normal(0, np.prod(size[1:]) ** -0.5, size) if is_kernel else None
        arrays[name] = rng.uniform(0.5, 1.0, size) if drawn is None else drawn
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def in_layout(network, layout, arrays, prefix=""):
    table = layouts_of(network.backbone)[layout]
    names = table.names(arrays, network.backbone.name)
    return {prefix + names[name]: array for name, array in arrays.items()}
