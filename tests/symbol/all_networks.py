"""Print the graphs of all built-in backbones, heads and modes, a JSON object a line."""

import json
import sys

import densefit as df
from densefit.model.network import MODES
from densefit.registry import load_plugins

SIZES = ((64, 64), (65, 97))
BACKBONES = {
    "resnet18": {"width": 8},
    "resnet34": {"width": 8},
    "resnet50": {"width": 8},
    "mobilenetv2": {"multiplier": 0.25},
}
#: With operators that the former have not; one head each.
MORE_BACKBONES = {
    "resnet50d": {"width": 8},
    "resnet18_v2": {"width": 8},
    "vgg16_bn": {"width": 4, "reduced": True},
    "mobilenetv3_small": {"multiplier": 0.25},
    "efficientnet_lite0": {"multiplier": 0.25},
    "convnext_tiny": {"width": 4},
    "cspdarknet_s": {"width": 4},
    "ddrnet23_slim": {"width": 4},
}
DECODERS = ("ddrnet", "fcn", "deeplabv3+", "lraspp", "pspnet", "segformer", "unet")
LOSSES = {
    "cross_entropy": {"label_smoothing": 0.1, "ohem": 0.7},
    **{name: 1 for name in ("boundary", "dice", "focal", "lovasz", "tversky")},
}
DETECTION = {"classes": 3, "strides": (8, 16), "channels": 8, "max_detections": 5}
REGIONS = {**DETECTION, "hidden": 16, "proposals": 20, "max_boxes": 10}
WITHOUT_CLASSES = {name: value for name, value in REGIONS.items() if name != "classes"}
INSTANCE = {
    "prototypes": 4,
    "channels": 8,
    "mask_positives": 6,
    "detection": {"strides": (8, 16), "channels": 8, "max_detections": 5},
}
HEADS = [
    ("classification", {"classes": 4}),
    ("multilabel", {"classes": 3}),
    ("detection", DETECTION),
    ("instance", {"classes": 3, **INSTANCE}),
    (
        "keypoints",
        {"classes": 3, "keypoints": ["a", "b", "c"], "flip_pairs": [["b", "c"]], "channels": 8},
    ),
    (
        "panoptic",
        {
            "classes": ("ground", "circle", "square"),
            "things": ("circle", "square"),
            "segmentation": {"decoder": "fcn", "channels": 8},
            "instance": INSTANCE,
        },
    ),
    ("faster_rcnn", REGIONS),
    ("mask_rcnn", {"classes": 3, "mask_channels": 8, "detection": WITHOUT_CLASSES}),
    ("retinanet", {**DETECTION, "normalization": "group"}),
    ("fcos", DETECTION),
    ("yolox", DETECTION),
]


def networks():
    """(name, network) of each backbone and head, and of each decoder."""
    load_plugins()
    heads = list(HEADS)
    for decoder in DECODERS:
        settings = {"decoder": decoder, "channels": 8}
        heads.append(("segmentation", {"classes": 4, **settings}))
        # A decoder builds the same for every head.
        heads += [(task, settings) for task in ("depth", "normals") if decoder in ("fcn", "unet")]
    for background in (None, "a"):
        settings = {"classes": ("a", "b", "c"), "decoder": "fcn", "channels": 8}
        settings.update(loss=LOSSES, auxiliary=0.4, background=background)
        heads.append(("segmentation", settings))
    for backbone, settings in BACKBONES.items():
        for task, head in heads if backbone == "resnet18" else HEADS[:3]:
            network = df.Network(backbone, [df.head(task, **head)], settings=settings)
            several = f"losses {head['background']}" if "loss" in head else ""
            yield f"{backbone} {task} {head.get('decoder', '')} {several}", network
    for backbone, settings in MORE_BACKBONES.items():
        task, head = HEADS[0]
        yield f"{backbone} {task}", df.Network(backbone, [df.head(task, **head)], settings=settings)
    several = [df.head(task, **head) for task, head in heads[:5]]
    yield "several", df.Network("resnet18", several, settings=BACKBONES["resnet18"])


def graphs():
    """(name, input size, Symbol)."""
    for name, network in networks():
        before = []  # most modes share a graph
        for mode in MODES:
            for size in SIZES if name == "several" else SIZES[:1]:
                graph = network.graph(mode, size)
                if not any(graph is other for other in before):
                    before.append(graph)
                    yield f"{name} {mode} {size}", size, graph


def row(name, size, symbol):
    """What is compared of a graph."""
    arguments, outputs, states = symbol.infer_shape_partial(data=(2, 3, *size))
    return {
        "name": name,
        "graph": json.loads(symbol.tojson()),
        "arguments": symbol.list_arguments(),
        "outputs": symbol.list_outputs(),
        "states": symbol.list_auxiliary_states(),
        "inputs": symbol.list_inputs(),
        "attributes": symbol.attr_dict(),
        "internals": symbol.get_internals().list_outputs(),
        "shapes": [list(map(list, shapes)) for shapes in (arguments, outputs, states)],
    }


if __name__ == "__main__":
    for graph in graphs():
        sys.stdout.write(json.dumps(row(*graph)) + "\n")
