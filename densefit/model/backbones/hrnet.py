"""HRNet-W18 (Sun et al. 2019): branches at strides 4, 8, 16 and 32 that exchange their maps."""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.layers import conv_bn
from densefit.symbol import sym

#: Modules of stages 2, 3 and 4, which have 2, 3 and 4 branches; each branch has 4 blocks.
MODULES = (1, 4, 3)
BLOCKS = 4


class HRNet(Backbone):
    """HRNet without the layers that join its branches for classification.

    No stride is replaced at a smaller output stride: the maps of deeper branches are enlarged and
    stacked on the map at that stride, as HRNetV2 does at stride 4.

    Args:
        width: channels of the branch at stride 4; the others have 2, 4 and 8 times as many.
        stem: channels of the stem; the first stage has 4 times as many.
    """

    name = "hrnet_w18"

    def __init__(self, width: int = 18, stem: int = 64) -> None:
        self.width, self.stem = width, stem

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`; at an input whose sizes are multiples of 32."""
        return self.maps_at(x, output_stride, (32, 32))

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps_at`."""
        sizes = [tuple(-(-size // stride) for size in input_size) for stride in (4, 8, 16, 32)]
        x = conv_bn(x, f"{self.name}_stem1", self.stem, stride=2)
        x = conv_bn(x, f"{self.name}_stem2", self.stem, stride=2)
        for block in range(BLOCKS):
            x = self._bottleneck(x, f"{self.name}_layer1_{block}", project=block == 0)
        name = f"{self.name}_transition1"
        branches = [
            conv_bn(x, f"{name}_0", self.width),
            conv_bn(x, f"{name}_1", 2 * self.width, stride=2),
        ]
        for stage, modules in enumerate(MODULES, 2):
            if stage > 2:
                channels = self.width * 2 ** (stage - 1)
                name = f"{self.name}_transition{stage - 1}_{stage - 1}"
                branches.append(conv_bn(branches[-1], name, channels, stride=2))
            for module in range(modules):
                name = f"{self.name}_stage{stage}_{module}"
                branches = [
                    self._branch(branch, f"{name}_branch{number}", self.width * 2**number)
                    for number, branch in enumerate(branches)
                ]
                branches = self._exchanged(branches, name, sizes)
        return self._joined(branches, sizes, output_stride)

    def _bottleneck(self, x: Any, name: str, *, project: bool) -> Any:
        channels = 4 * self.stem
        shortcut = x
        if project:
            shortcut = conv_bn(x, f"{name}_shortcut", channels, kernel=1, activation=None)
        x = conv_bn(x, f"{name}_conv1", self.stem, kernel=1)
        x = conv_bn(x, f"{name}_conv2", self.stem)
        x = conv_bn(x, f"{name}_conv3", channels, kernel=1, activation=None)
        return activate(x + shortcut, "relu", name)

    @staticmethod
    def _branch(x: Any, name: str, channels: int) -> Any:
        """Basic blocks at one stride."""
        for block in range(BLOCKS):
            y = conv_bn(x, f"{name}_{block}_conv1", channels)
            y = conv_bn(y, f"{name}_{block}_conv2", channels, activation=None)
            x = activate(x + y, "relu", f"{name}_{block}")
        return x

    def _exchanged(self, branches: list[Any], name: str, sizes: list[Any]) -> list[Any]:
        """Each branch, plus all others at its stride."""
        sums = []
        for to, size in enumerate(sizes[: len(branches)]):
            total = None
            for source, x in enumerate(branches):
                x = self._moved(x, f"{name}_fuse{to}_{source}", source, to, size)
                total = x if total is None else total + x
            sums.append(activate(total, "relu", f"{name}_fuse{to}"))
        return sums

    def _moved(self, x: Any, name: str, source: int, to: int, size: Any) -> Any:
        """A branch's map at the stride and with the channels of another."""
        channels = self.width * 2**to
        if source > to:
            x = conv_bn(x, name, channels, kernel=1, activation=None)
            return _enlarged(x, 2 ** (source - to), size)
        for step in range(source, to):
            is_last = step == to - 1
            x = conv_bn(
                x,
                f"{name}_{step - source}",
                channels if is_last else self.width * 2**source,
                stride=2,
                activation=None if is_last else "relu",
            )
        return x

    def _joined(
        self, branches: list[Any], sizes: list[Any], output_stride: int
    ) -> dict[int, tuple[Any, int]]:
        """stride -> (map, channels), with deeper branches stacked on the last."""
        deepest = (4, 8, 16, 32).index(output_stride)
        channels = [self.width * 2**number for number in range(len(branches))]
        maps = {4 * 2**n: (branches[n], channels[n]) for n in range(deepest)}
        stacked = [
            _enlarged(x, 2 ** (n - deepest), sizes[deepest])
            for n, x in enumerate(branches)
            if n >= deepest
        ]
        x = stacked[0] if len(stacked) == 1 else sym.concat(*stacked, dim=1)
        return {**maps, output_stride: (x, sum(channels[deepest:]))}


def _enlarged(x: Any, factor: int, size: tuple[int, int]) -> Any:
    """Repeat each cell, and cut what lies beyond `size`."""
    if factor == 1:
        return x
    x = sym.UpSampling(x, scale=factor, sample_type="nearest")
    return sym.slice(x, begin=(None, None, 0, 0), end=(None, None, *size))


@backbones.register("hrnet_w18")
def hrnet_w18(width: int = 18, stem: int = 64) -> Backbone:
    """HRNet-W18: 9.6 M parameters, 3.6 G multiply-adds at 224x224.

    Args:
        width: channels at stride 4; at strides 8, 16 and 32 there are 2, 4 and 8 times as many.
        stem: channels of the stem; the first stage has 4 times as many.
    """
    return HRNet(width, stem)
