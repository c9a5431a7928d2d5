"""YOLOX-s's backbone in PyTorch, stated from the paper (Ge et al. 2021) with YOLOX's names."""

import torch
from torch import nn


class Conv(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x):
        return nn.functional.silu(self.bn(self.conv(x)))


class Block(nn.Module):
    def __init__(self, channels, has_sum):
        super().__init__()
        self.conv1, self.conv2 = Conv(channels, channels, 1), Conv(channels, channels, 3)
        self.has_sum = has_sum

    def forward(self, x):
        return self.has_sum * x + self.conv2(self.conv1(x))


class CrossStage(nn.Module):
    def __init__(self, channels, blocks, has_sum=True):
        super().__init__()
        half = channels // 2
        self.conv1, self.conv2 = Conv(channels, half, 1), Conv(channels, half, 1)
        self.conv3 = Conv(channels, channels, 1)
        self.m = nn.Sequential(*(Block(half, has_sum) for _ in range(blocks)))

    def forward(self, x):
        return self.conv3(torch.cat([self.m(self.conv1(x)), self.conv2(x)], 1))


class Pyramid(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = Conv(channels, channels // 2, 1), Conv(2 * channels, channels, 1)

    def forward(self, x):
        x = self.conv1(x)
        pooled = [nn.functional.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        return self.conv2(torch.cat([x, *pooled], 1))


class Focus(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.conv = Conv(12, outputs, 3)

    def forward(self, x):
        # pixel_unshuffle orders by channel, row, column; the network by column, row, channel.
        batch, _, height, width = x.shape
        cells = nn.functional.pixel_unshuffle(x, 2).reshape(batch, 3, 2, 2, height // 2, width // 2)
        return self.conv(cells.permute(0, 3, 2, 1, 4, 5).flatten(1, 3))


class CSPDarknet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.stem = Focus(width)
        for stage, blocks in enumerate((1, 3, 3, 1)):
            channels = width * 2 ** (stage + 1)
            layers = [Conv(channels // 2, channels, 3, 2), CrossStage(channels, blocks, stage < 3)]
            if stage == 3:
                layers.insert(1, Pyramid(channels))
            setattr(self, f"dark{stage + 2}", nn.Sequential(*layers))

    def forward(self, x):
        x, maps = self.stem(x), {}
        for stage in range(2, 6):
            x = getattr(self, f"dark{stage}")(x)
            maps[2**stage] = x
        return maps
