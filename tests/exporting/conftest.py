"""Networks of a few channels with values that make their outputs differ from image to image."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from tests.model.backbones.narrow import NARROW

SIZE = (64, 96)
SETTINGS = {
    "detection": {"classes": ("a", "b", "c"), "strides": (8, 16), "channels": 8},
    "faster_rcnn": {
        "classes": ("a", "b", "c"),
        "strides": (8, 16, 32),
        "sizes": (3.0,),
        "channels": 8,
        "hidden": 16,
        "proposals": 20,
        "proposal_candidates": 40,
    },
    "fcos": {"classes": 3, "strides": (8, 16), "channels": 8},
    "retinanet": {"classes": 3, "strides": (8, 16), "channels": 8},
    "yolox": {"classes": 3, "strides": (8, 16), "channels": 8, "max_detections": 20},
    "segmentation": {"classes": 4, "decoder": "fcn", "channels": 8},
    "classification": {"classes": ("cat", "dog", "cow")},
    "instance": {
        "classes": 3,
        "prototypes": 4,
        "channels": 8,
        "detection": {"strides": (8, 16), "channels": 8, "max_detections": 20},
    },
    "mask_rcnn": {
        "classes": ("a", "b", "c"),
        "mask_channels": 8,
        "detection": {
            "strides": (8, 16, 32),
            "sizes": (3.0,),
            "channels": 8,
            "hidden": 16,
            "proposals": 20,
            "proposal_candidates": 40,
            "max_detections": 20,
        },
    },
    "panoptic": {
        "classes": ("ground", "circle", "square", "triangle"),
        "things": ("circle", "square", "triangle"),
        "segmentation": {"channels": 8},
        "instance": {
            "prototypes": 4,
            "channels": 8,
            "detection": {"strides": (8, 16), "channels": 8, "max_detections": 20},
        },
    },
    "depth": {"decoder": "fcn", "channels": 8},
    "normals": {"channels": 8},
    "multilabel": {"classes": 3},
    "keypoints": {"classes": 3, "keypoints": Shapes.keypoint_names, "channels": 8},
}
BACKBONES = {**NARROW, "resnet18": {"width": 8}}


def with_values(network, size=SIZE):
    """The network with random parameters, and the statistics of what they compute."""
    symbol = network.graph("train", size)
    known = {name for a in network.adapters.values() for name in [*a.labels, *a.weights]}
    shapes, _, states = symbol.infer_shape_partial(data=(2, 3, *size))
    rng = np.random.default_rng(0)

    def value(name, shape):
        if name.endswith(("_gamma", "_var")):
            return rng.uniform(0.5, 1.5, shape)
        if len(shape) < 2:
            return rng.normal(0, 0.1, shape)
        return rng.normal(0, np.sqrt(1.2 / np.prod(shape[1:])), shape)

    def values(names, all_shapes):
        return {
            name: value(name, shape).astype(np.float32)
            for name, shape in zip(names, all_shapes)
            if name not in known and name != "data"
        }

    network.set_params(
        values(symbol.list_arguments(), shapes), values(symbol.list_auxiliary_states(), states)
    )
    return network


@pytest.fixture(scope="session")
def network_of():
    """A function of a backbone and names of tasks that makes a network with values."""

    def make(backbone, *tasks, **more):
        heads = [df.head(task, **{**SETTINGS[task], **more.get(task, {})}) for task in tasks]
        return with_values(df.Network(backbone, heads, settings=BACKBONES[backbone]))

    return make


@pytest.fixture(scope="session")
def photograph(tmp_path_factory):
    """An image file that is not square, larger than the input."""
    import cv2

    path = tmp_path_factory.mktemp("photographs") / "photo.png"
    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 256, (12, 9, 3)).astype(np.uint8), (150, 211))
    cv2.rectangle(image, (30, 50), (90, 120), (250, 20, 10), -1)
    cv2.imwrite(str(path), image)
    return path
