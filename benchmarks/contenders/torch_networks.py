"""The networks of train_speed.py and score_speed.py in PyTorch, their layers named as ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

LAYOUTS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class ConvBN(nn.Module):
    """Convolution, BatchNorm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1,
        relu: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        pad = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, x: Any) -> Any:
        x = self.bn(self.conv(x))
        return F.relu(x, inplace=True) if self.relu else x


class Block(nn.Module):
    """A basic block or a bottleneck."""

    def __init__(
        self, depth: int, inputs: int, outputs: int, stride: int, dilation: int, project: bool
    ) -> None:
        super().__init__()
        if depth == 50:
            inner = outputs // 4
            self.conv1 = ConvBN(inputs, inner, 1)
            self.conv2 = ConvBN(inner, inner, 3, stride, dilation)
            self.conv3 = ConvBN(inner, outputs, 1, relu=False)
        else:
            self.conv1 = ConvBN(inputs, outputs, 3, stride, dilation)
            self.conv2 = ConvBN(outputs, outputs, 3, 1, dilation, relu=False)
        self.shortcut = ConvBN(inputs, outputs, 1, stride, relu=False) if project else None
        self.deep = depth == 50

    def forward(self, x: Any) -> Any:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        x = self.conv2(self.conv1(x))
        if self.deep:
            x = self.conv3(x)
        return F.relu(x + shortcut, inplace=True)


class ResNet(nn.Module):
    """Maps at strides 4, 8, 16, 32 of bytes."""

    def __init__(self, depth: int, output_stride: int = 32) -> None:
        super().__init__()
        self.name = f"resnet{depth}"
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("scale", 1 / torch.tensor(STD).view(1, 3, 1, 1))
        self.stem = ConvBN(3, 64, 7, 2)
        width, stride, dilation = 64, 4, 1
        self.stages = nn.ModuleList()
        self.blocks: dict[str, Block] = {}
        self.channels: list[int] = []
        for stage, count in enumerate(LAYOUTS[depth]):
            step = 1 if stage == 0 else 2
            first = dilation
            if step == 2 and stride >= output_stride:
                step, dilation = 1, dilation * 2
            stride *= step
            outputs = 64 * 2**stage * (4 if depth == 50 else 1)
            blocks = []
            for number in range(count):
                begins = number == 0
                project = begins and (stage > 0 or depth == 50)
                block = Block(
                    depth, width, outputs, step if begins else 1, first if begins else dilation,
                    project,
                )  # fmt: skip
                self.blocks[f"layer{stage + 1}_{number}"] = block
                blocks.append(block)
                width = outputs
            self.stages.append(nn.Sequential(*blocks))
            self.channels.append(outputs)

    def forward(self, data: Any) -> list[Any]:
        x = (data.float() - self.mean) * self.scale
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def named(self) -> dict[str, nn.Module]:
        """Our names of its layers."""
        found: dict[str, nn.Module] = {f"{self.name}_stem": self.stem}
        for key, block in self.blocks.items():
            for name, layer in block.named_children():
                found[f"{self.name}_{key}_{name}"] = layer
        return found


class ResNetClassifier(nn.Module):
    """Logits by global average pooling."""

    def __init__(self, depth: int, classes: int) -> None:
        super().__init__()
        self.trunk = ResNet(depth)
        self.dense = nn.Linear(self.trunk.channels[-1], classes)

    def forward(self, data: Any) -> Any:
        return self.dense(self.trunk(data)[-1].mean((2, 3)))

    def named(self) -> dict[str, nn.Module]:
        """Our names of its layers."""
        return {**self.trunk.named(), "classification_class": self.dense}


class SSD(nn.Module):
    """Class logits (B, A, columns) and offsets (B, A, 4) over a feature pyramid."""

    def __init__(
        self, channels: int, columns: int, anchors: int, strides: Sequence[int], depth: int = 18
    ) -> None:
        super().__init__()
        self.trunk = ResNet(depth)
        self.strides, self.columns = tuple(strides), columns
        given = [stride for stride in strides if stride <= 32]
        inside = dict(zip((4, 8, 16, 32), self.trunk.channels))
        self.lateral = nn.ModuleList([ConvBN(inside[s], channels, 1, relu=False) for s in given])
        self.smooth = nn.ModuleList([ConvBN(channels, channels) for _ in given])
        self.deeper = nn.ModuleList(
            [ConvBN(channels, channels, stride=2) for s in strides if s > 32]
        )
        self.classes = nn.ModuleList(
            [nn.Conv2d(channels, anchors * columns, 3, padding=1) for _ in strides]
        )
        self.boxes = nn.ModuleList(
            [nn.Conv2d(channels, anchors * 4, 3, padding=1) for _ in strides]
        )

    def forward(self, data: Any) -> tuple[Any, Any]:
        maps = self.trunk(data)[4 - len(self.lateral) :]
        merged: list[Any] = []
        for layer, x in zip(reversed(self.lateral), reversed(maps)):
            x = layer(x)
            if merged:
                above = F.interpolate(merged[0], scale_factor=2.0, mode="nearest")
                x = x + above[:, :, : x.shape[2], : x.shape[3]]
            merged.insert(0, x)
        levels = [layer(x) for layer, x in zip(self.smooth, merged)]
        for layer in self.deeper:
            levels.append(layer(levels[-1]))
        return (
            self._rows(self.classes, levels, self.columns),
            self._rows(self.boxes, levels, 4),
        )

    @staticmethod
    def _rows(layers: Any, levels: Sequence[Any], width: int) -> Any:
        rows = [
            layer(x).permute(0, 2, 3, 1).reshape(len(x), -1, width)
            for layer, x in zip(layers, levels)
        ]
        return torch.cat(rows, 1)

    def named(self) -> dict[str, nn.Module]:
        """Our names of its layers."""
        found = self.trunk.named()
        for kind, layers in (
            ("lateral", self.lateral),
            ("smooth", self.smooth),
            ("class", self.classes),
            ("box", self.boxes),
        ):
            for stride, layer in zip(self.strides, layers):
                found[f"detection_level{stride}_{kind}"] = layer
        for stride, layer in zip(self.strides[len(self.lateral) :], self.deeper):
            found[f"detection_level{stride}_conv"] = layer
        return found


class DeepLab(nn.Module):
    """DeepLabV3+: logits at a quarter of the input size."""

    def __init__(self, channels: int, classes: int, rates: Sequence[int], depth: int = 18) -> None:
        super().__init__()
        self.trunk = ResNet(depth, output_stride=16)
        deep, shallow = self.trunk.channels[-1], self.trunk.channels[0]
        self.rates = tuple(rates)
        self.aspp = nn.ModuleList(
            [ConvBN(deep, channels, 1), *(ConvBN(deep, channels, 3, 1, rate) for rate in rates)]
        )
        self.pool = nn.Conv2d(deep, channels, 1)
        self.project = ConvBN(channels * (2 + len(rates)), channels, 1)
        self.detail = ConvBN(shallow, 48, 1)
        self.refine1 = ConvBN(channels + 48, channels)
        self.refine2 = ConvBN(channels, channels)
        self.logits = nn.Conv2d(channels, classes, 1)

    def forward(self, data: Any) -> Any:
        maps = self.trunk(data)
        x = maps[-1]
        branches = [layer(x) for layer in self.aspp]
        pooled = F.relu(self.pool(x.mean((2, 3), keepdim=True)))
        branches.append(pooled.expand_as(branches[0]))
        x = self.project(torch.cat(branches, 1))
        x = F.interpolate(x, scale_factor=4.0, mode="bilinear", align_corners=False)
        x = x[:, :, : maps[0].shape[2], : maps[0].shape[3]]
        x = torch.cat([x, self.detail(maps[0])], 1)
        return self.logits(self.refine2(self.refine1(x)))

    def named(self) -> dict[str, nn.Module]:
        """Our names of its layers."""
        names = ["1x1", *(f"rate{rate}" for rate in self.rates)]
        found = {f"segmentation_aspp_{name}": one for name, one in zip(names, self.aspp)}
        found["segmentation_aspp_pool"] = self.pool
        for name in ("project", "detail", "refine1", "refine2", "logits"):
            found[f"segmentation_{name}"] = getattr(self, name)
        return {**self.trunk.named(), **found}


def load(net: Any, parameters: Mapping[str, np.ndarray]) -> None:
    """Give a network our parameters, by our names; every one must find its place."""
    left = dict(parameters)

    def fill(tensor: Any, name: str) -> None:
        value = torch.from_numpy(left.pop(name))
        if tensor.shape != value.shape:
            raise SystemExit(f"{name} has shape {tuple(value.shape)}, not {tuple(tensor.shape)}")
        with torch.no_grad():
            tensor.copy_(value)

    for name, layer in net.named().items():
        if isinstance(layer, ConvBN):
            fill(layer.conv.weight, f"{name}_weight")
            fill(layer.bn.weight, f"{name}_bn_gamma")
            fill(layer.bn.bias, f"{name}_bn_beta")
            fill(layer.bn.running_mean, f"{name}_bn_moving_mean")
            fill(layer.bn.running_var, f"{name}_bn_moving_var")
        else:
            fill(layer.weight, f"{name}_weight")
            fill(layer.bias, f"{name}_bias")
    if left:
        raise SystemExit(f"parameters without a place: {sorted(left)}")
