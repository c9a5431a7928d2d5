"""DDRNet-23-slim in PyTorch, stated from the paper: Hong et al. 2021, figures 3 and 4, table 1."""

import torch
from torch import nn
from torch.nn import functional


def normed(inputs, outputs, kernel, stride=1, bias=False):
    """Convolution and BatchNorm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Layers with ReLU in between, and a shortcut; `rectified` says whether the sum has one."""

    activation = staticmethod(torch.relu)

    def __init__(self, layers, shortcut, rectified):
        super().__init__()
        self.layers, self.rectified = nn.ModuleList(layers), rectified
        self.shortcut = shortcut or nn.Identity()

    def forward(self, x):
        y = x
        for number, layer in enumerate(self.layers):
            y = layer(self.activation(y) if number else y)
        y = y + self.shortcut(x)
        return self.activation(y) if self.rectified else y


def basic_blocks(inputs, outputs, stride=1):
    """Two basic blocks, the last without ReLU."""
    changes = stride > 1 or inputs != outputs
    shortcut = normed(inputs, outputs, 1, stride) if changes else None
    first = [normed(inputs, outputs, 3, stride), normed(outputs, outputs, 3)]
    second = [normed(outputs, outputs, 3), normed(outputs, outputs, 3)]
    return nn.Sequential(Residual(first, shortcut, True), Residual(second, None, False))


def bottleneck(inputs, outputs, stride=1):
    """A bottleneck without its last ReLU; its inner layers have half of the outputs."""
    half = outputs // 2
    layers = [normed(inputs, half, 1), normed(half, half, 3, stride), normed(half, outputs, 1)]
    return Residual(layers, normed(inputs, outputs, 1, stride), False)


def to_size(x, like):
    return functional.interpolate(x, like.shape[2:], mode="bilinear")


class Branches(nn.Module):
    """Both branches down to stride 32."""

    def __init__(self, width):
        super().__init__()
        self.stem1 = normed(3, width, 3, 2, bias=True)
        self.stem2 = normed(width, width, 3, 2, bias=True)
        self.stage1 = basic_blocks(width, width)
        self.stage2 = basic_blocks(width, 2 * width, 2)
        self.stage3 = basic_blocks(2 * width, 4 * width, 2)
        self.stage3_high = basic_blocks(2 * width, 2 * width)
        self.down3 = nn.ModuleList([normed(2 * width, 4 * width, 3, 2)])
        self.up3 = normed(4 * width, 2 * width, 1)
        self.stage4 = basic_blocks(4 * width, 8 * width, 2)
        self.stage4_high = basic_blocks(2 * width, 2 * width)
        self.down4 = nn.ModuleList(
            [normed(2 * width, 4 * width, 3, 2), normed(4 * width, 8 * width, 3, 2)]
        )
        self.up4 = normed(8 * width, 2 * width, 1)
        self.stage5_high = bottleneck(2 * width, 4 * width)

    def forward(self, x):
        """stride -> map; and the map of the auxiliary head."""
        x = torch.relu(self.stem2(torch.relu(self.stem1(x))))
        first = torch.relu(self.stage1(x))
        second = torch.relu(self.stage2(first))
        low, high = self.stage3(second), self.stage3_high(second)
        low, high = self.exchanged(low, high, self.down3, self.up3)
        supervised = high
        third = torch.relu(low)
        low, high = self.stage4(third), self.stage4_high(torch.relu(high))
        low, high = self.exchanged(low, high, self.down4, self.up4)
        high = self.stage5_high(torch.relu(high))
        return {4: first, 8: high, 16: third, 32: torch.relu(low)}, supervised

    @staticmethod
    def exchanged(low, high, down, up):
        reduced = high
        for layer in down:
            reduced = layer(torch.relu(reduced))
        return low + reduced, high + to_size(up(torch.relu(low)), high)


def preactivated(inputs, outputs, kernel=1, bias=False):
    """BatchNorm, ReLU, convolution."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), conv)


class Head(nn.Module):
    """Scores of a map."""

    def __init__(self, inputs, channels, classes):
        super().__init__()
        self.head = preactivated(inputs, channels, 3)
        self.logits = preactivated(channels, classes, bias=True)

    def forward(self, x):
        return self.logits(self.head(x))


class Context(nn.Module):
    """DAPPM: means over growing windows, each added to the one before."""

    def __init__(self, inputs, context, outputs):
        super().__init__()
        self.own = preactivated(inputs, context)
        self.pools = nn.ModuleList(
            [
                *(nn.AvgPool2d(2 * stride + 1, stride, stride) for stride in (2, 4, 8)),
                nn.AdaptiveAvgPool2d(1),
            ]
        )
        self.scales = nn.ModuleList(preactivated(inputs, context) for _ in range(4))
        self.sums = nn.ModuleList(preactivated(context, context, 3) for _ in range(4))
        self.all = preactivated(5 * context, outputs)
        self.shortcut = preactivated(inputs, outputs)

    def forward(self, x):
        contexts = [self.own(x)]
        for pool, scale, total in zip(self.pools, self.scales, self.sums):
            contexts.append(total(to_size(scale(pool(x)), x) + contexts[-1]))
        return self.all(torch.cat(contexts, 1)) + self.shortcut(x)


class Decoder(nn.Module):
    """The stage of stride 64, context and head; scores at stride 8."""

    def __init__(self, high, low, context, channels, classes):
        super().__init__()
        self.deep = bottleneck(low, 2 * low, 2)
        self.context = Context(2 * low, context, high)
        self.scores = Head(high, channels, classes)

    def forward(self, high, low):
        return self.scores(high + to_size(self.context(self.deep(low)), high))
