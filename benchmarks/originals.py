"""The original networks of published weights, in PyTorch: MobileNetV2, EfficientNet-Lite."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch

import densefit as df
from densefit.checkpoint.weights.maps import layouts_of
from densefit.model.backbones import backbones

with suppress(RuntimeError):
    import torchvision
if "torchvision" not in globals():
    # The package index has torchvision for CUDA alone, whose operators a CPU build lacks.
    LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
import timm

#: Classes of ImageNet.
NAMES = torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]


def original(name: str, file: Path | None) -> torch.nn.Module:
    """The network that a file was trained with; without a file it has random weights."""
    model = (
        torchvision.models.mobilenet_v2()
        if name == "mobilenetv2"
        else timm.create_model(f"tf_{name}")
    )
    if file is not None:
        state = torch.load(file, weights_only=True)
        model.load_state_dict(state if name == "mobilenetv2" else translated(name, state))
    return model.eval()


def translated(name: str, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of an EfficientNet-Lite by timm's names."""
    head = {"_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    layouts = layouts_of(backbones.create(name))
    network = df.Network(name, [df.head("classification", classes=2)])
    ours = df.surgery.trunk_parameters(network)
    moving = [
        parameter.replace("gamma", f"moving_{end}")
        for parameter in ours
        if parameter.endswith("_gamma")
        for end in ("mean", "var")
    ]
    names = [layouts[key].names([*ours, *moving], name) for key in ("EfficientNet-PyTorch", "timm")]
    theirs = {names[0][parameter]: names[1][parameter] for parameter in names[0]}
    result = {}
    for key, value in state.items():
        layer, _, end = key.rpartition(".")
        if key in theirs:
            result[theirs[key]] = value
        elif layer in head:
            result[f"{head[layer]}.{end}"] = value
    return result


def features_of(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The map of stride 32 that a backbone has, before the last 1x1 convolution."""
    if hasattr(model, "conv_stem"):
        return model.blocks(model.bn1(model.conv_stem(x)))  # type: ignore[operator]
    return model.features[:18](x)  # type: ignore[index]


def probabilities(model: torch.nn.Module, features: torch.Tensor) -> np.ndarray:
    """(B, 1000): what the original's last layers make of features."""
    if hasattr(model, "conv_stem"):
        x = model.bn2(model.conv_head(features)).mean((2, 3))  # type: ignore[operator]
    else:
        x = model.features[18](features).mean((2, 3))  # type: ignore[index]
    return torch.softmax(model.classifier(x), 1).numpy()  # type: ignore[operator]
