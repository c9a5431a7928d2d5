"""The networks of engine_parity.py: every backbone, head and decoder, and pictures for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import densefit as df
from densefit.datasets.shapes import Shapes
from densefit.model.symbol_graph import SymbolGraph
from densefit.registry import load_plugins

SIZE = (64, 64)
BACKBONES: dict[str, dict[str, Any]] = {
    "resnet18": {"width": 8},
    "resnet34": {"width": 8},
    "resnet50": {"width": 8},
    "mobilenetv2": {"multiplier": 0.25},
}
#: Further kinds of backbones, without what is random; each with the heads of FURTHER_HEADS.
FURTHER: dict[str, dict[str, Any]] = {
    "resnet18d": {"width": 8},
    "resnet50_v2": {"width": 8},
    "resnext50_32x4d": {"width": 16},
    "vgg16_bn": {"width": 8},
    "mobilenetv3_small": {"multiplier": 0.25},
    "efficientnet_b0": {"multiplier": 0.25, "stochastic_depth": 0},
    "efficientnet_lite0": {"multiplier": 0.25, "stochastic_depth": 0},
    "regnety_400mf": {"multiplier": 0.25},
    "convnext_tiny": {"width": 8, "stochastic_depth": 0},
    "darknet53": {"width": 4},
    "cspdarknet_s": {"width": 8},
    "hrnet_w18": {"width": 4, "stem": 8},
    "ddrnet23_slim": {"width": 8},
}
FURTHER_HEADS = ("detection", "segmentation ddrnet", "segmentation fcn")
DETECTION = {"strides": (8, 16), "channels": 8, "max_detections": 20}
SURE = {"prior": 0.5, "score_threshold": 0.01}  # so that there are detections from the start
#: Two stages; every anchor and proposal is trained, so that near ties change nothing.
REGIONS = {
    **{"strides": (8, 16, 32), "sizes": (3.0,), "channels": 8, "hidden": 16, "proposals": 20},
    **{"sampled": 200, "sampled_anchors": 1000, "max_boxes": 20, "max_detections": 20},
}
#: Further decoders, without what is random.
DECODERS: dict[str, dict[str, Any]] = {
    "ddrnet": {"context": 8},
    "lraspp": {},
    "pspnet": {"dropout": 0},
    "segformer": {"dropout": 0},
    "unet": {},
}
LOSSES = {
    "cross_entropy": {"label_smoothing": 0.1, "ohem": 0.7},
    **{"boundary": 0.01, "dice": 1, "focal": 1, "lovasz": 1, "tversky": 1},
}
INSTANCE = {"prototypes": 4, "channels": 8, "detection": DETECTION}


class Pictures:
    """Shapes with targets for every task.

    Args:
        length: number of pictures.
    """

    def __init__(self, length: int) -> None:
        self._shapes = Shapes(length, SIZE, keypoints=True, empty=0.0)
        self.classes = self._shapes.classes
        self.mask_classes = self._shapes.mask_classes

    def __len__(self) -> int:
        return len(self._shapes)

    def id_of(self, index: int) -> str:
        """The picture's."""
        return self._shapes.id_of(index)

    def __getitem__(self, index: int) -> df.Sample:
        sample = self._shapes[index]
        classes = sample.targets["classes"]
        slope = np.linspace(1, 5, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
        normals = np.stack([slope / 10, slope[::-1] / 10, np.ones(SIZE)], axis=2)
        length = np.linalg.norm(normals, axis=2, keepdims=True)
        more = {
            "labels": np.isin(np.arange(3), classes).astype(np.float32),
            "depth": slope,
            "normals": (normals / length).astype(np.float32),
        }
        return replace(sample, targets={**sample.targets, **more})


def heads() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name -> (task, settings)."""
    shapes = Shapes(1, SIZE)
    keypoints = {"keypoints": Shapes.keypoint_names, "flip_pairs": Shapes.flip_pairs}
    panoptic = {
        "segmentation": {"decoder": "fcn", "channels": 8},
        "instance": INSTANCE,
        "things": shapes.classes,
    }
    named: dict[str, tuple[str, dict[str, Any]]] = {
        "classification": ("classification", {"classes": shapes.label_classes}),
        "multilabel": ("multilabel", {"classes": shapes.classes}),
        "detection": ("detection", {"classes": shapes.classes, **DETECTION}),
        "fcos": ("fcos", {"classes": shapes.classes, **DETECTION, **SURE}),
        "retinanet": ("retinanet", {"classes": shapes.classes, **DETECTION, **SURE}),
        "yolox": ("yolox", {"classes": shapes.classes, **DETECTION, "max_boxes": 20}),
        "faster_rcnn": ("faster_rcnn", {"classes": shapes.classes, **REGIONS}),
        "mask_rcnn": (
            "mask_rcnn",
            {"classes": shapes.classes, "mask_channels": 8, "detection": REGIONS},
        ),
        "instance": ("instance", {"classes": shapes.classes, **INSTANCE}),
        "panoptic": ("panoptic", {"classes": shapes.mask_classes, **panoptic}),
        "keypoints": ("keypoints", {"classes": shapes.classes, "channels": 8, **keypoints}),
    }
    classes = {"classes": shapes.mask_classes}
    for decoder in ("fcn", "deeplabv3+"):
        settings: dict[str, Any] = {"decoder": decoder, "channels": 8}
        named[f"segmentation {decoder}"] = ("segmentation", {**classes, **settings})
        named[f"depth {decoder}"] = ("depth", settings)
        named[f"normals {decoder}"] = ("normals", settings)
    for decoder, further in DECODERS.items():
        settings = {"decoder": decoder, "channels": 8, "decoder_settings": further}
        named[f"segmentation {decoder}"] = ("segmentation", {**classes, **settings})
    settings = {"decoder": "fcn", "channels": 8, "loss": LOSSES, "auxiliary": 0.4}
    named["segmentation losses"] = ("segmentation", {**classes, **settings})
    overlap = {"classes": shapes.classes, **DETECTION, "box_loss": "ciou"}
    named["detection ciou"] = ("detection", overlap)
    second = {"normalization": "group", "extra_levels": "backbone", "box_loss": "giou"}
    second = {"classes": shapes.classes, **DETECTION, **SURE, "strides": (16, 32, 64), **second}
    named["retinanet second"] = ("retinanet", second)
    return named


def networks(pattern: str = "") -> Iterator[tuple[str, df.Network]]:
    """(name, network) of each backbone with each head, and of one with several heads.

    Of further backbones with a few heads.

    Args:
        pattern: part of the names.
    """
    load_plugins()
    for backbone, settings in BACKBONES.items():
        for head, (task, head_settings) in heads().items():
            name = f"{backbone} {head}"
            if pattern in name:
                made = [df.head(task, **head_settings)]
                yield name, df.Network(backbone, made, settings=settings)
    for backbone, settings in FURTHER.items():
        for head in FURTHER_HEADS:
            name = f"{backbone} {head}"
            task, head_settings = heads()[head]
            if pattern in name:
                yield (
                    name,
                    df.Network(backbone, [df.head(task, **head_settings)], settings=settings),
                )
    if pattern in "resnet18 several":
        several = [df.head(task, **settings) for task, settings in list(heads().values())[:11]]
        yield "resnet18 several", df.Network("resnet18", several, settings=BACKBONES["resnet18"])


class Smooth(df.Network):
    """A network whose activations and poolings have continuous slopes.

    The gradients of ReLUs and maxima jump where rounding moves a number over their edge; with
    softplus and averages, gradients of two engines can be compared.
    """

    def peek(self, mode: str, input_size: Any = None, weigh: Any = None) -> Any:
        """The Symbol of a mode, with the layers replaced."""
        graph = SymbolGraph.of(super().peek(mode, input_size, weigh))
        return graph.rewrite(lambda _, node: _smooth(node)).symbol


def _smooth(node: Any) -> Any:
    if node.op == "relu" or (node.op == "Activation" and node.attr("act_type") == "relu"):
        return replace(node, op="Activation", attrs={"act_type": "softrelu"})
    if node.op == "LeakyReLU" and node.attr("act_type", "leaky") == "leaky":
        return replace(node, op="Activation", attrs={"act_type": "softrelu"})
    if node.op == "hard_sigmoid":
        return replace(node, op="Activation", attrs={"act_type": "sigmoid"})
    if node.op == "clip" and node.attr("a_min") in ("0", "0.0"):
        return replace(node, op="Activation", attrs={"act_type": "softrelu"})
    if node.op == "Pooling" and node.attr("pool_type", "max") == "max":
        return node.with_attrs(pool_type="avg")
    return node


def smooth_copy(network: df.Network, values: Mapping[str, Mapping[str, np.ndarray]]) -> df.Network:
    """The network with smooth layers and these parameters."""
    copy = Smooth.from_spec(network.spec or {})
    copy.set_params(values["parameters"], values.get("statistics"))
    return copy
