"""Multi-task attention: each head masks the maps of one shared backbone.

Liu et al., CVPR 2019, arXiv:1803.10704.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.layers import conv_bn
from densefit.model.sharing.feature_symbols import features_by_head, symbols_of
from densefit.model.sharing.grafting import grafted
from densefit.model.sharing.last_block import before_last_block
from densefit.model.sharing.sharing import Sharing, sharings
from densefit.model.sharing.stages import STAGE_OF, end_of
from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.symbol import sym


@sharings.register("mtan")
class MTAN(Sharing):
    """Each head multiplies the map of each stage by a mask of it, and hands it on to its next mask.

    A mask is two 1x1 convolutions of the head, of what the stage's last block reads and of what
    the head had at the stage before; that goes through a residual block that all heads share. The
    architecture is LibMTL's for ResNet, of any backbone, with masks of each head as in the paper.

    Args:
        expansion: channels of a map over those between two convolutions of a mask: 1, or 4, where
            the residual blocks are bottlenecks. None: 4 if the deepest map has 2048 channels.

    Raises:
        ConfigError: another expansion.
    """

    name = "mtan"

    def __init__(self, expansion: int | None = None) -> None:
        if expansion not in (None, 1, 4):
            raise ConfigError(
                "Masks are as wide as the map or a quarter",
                expected="1, 4 or null",
                received=repr(expansion),
                where=f"expansion of {_WHERE}",
            )
        self.expansion = expansion

    def share(
        self, features: Features, whole: Features, heads: Sequence[str]
    ) -> tuple[dict[str, Features], dict[str, str]]:
        """See `Sharing.share`."""
        graph = SymbolGraph.of(sym.Group(symbols_of(features)))
        strides = sorted(stride for stride in whole.maps if stride in STAGE_OF)
        names = {end_of(whole, stride, _WHERE): stride for stride in strides}
        ends = {names[node.name]: node for node in graph.nodes if node.name in names}
        strides = sorted(ends)
        channels = [whole.channels[stride] for stride in strides]
        expansion = self.expansion or (4 if channels[-1] == 2048 else 1)
        sizes = [features.size(min(stride, max(features.maps))) for stride in strides]
        masked: dict[str, dict[Node, Output]] = {head: {} for head in heads}
        handed: dict[str, Output] = {}
        shared: dict[str, Node] = {}
        start: Node | None = None
        for number, stride in enumerate(strides):
            end, stage = ends[stride], STAGE_OF[stride]
            before = before_last_block(graph, end, start)
            start, wide = end, channels[number]
            for head in heads:
                sources = [Output(before), *([handed[head]] if handed else []), Output(end)]
                mask = _Mask(f"{head}_{self.name}_{stage}", wide // expansion, wide)
                masked[head][end] = grafted(mask, *sources)
            if stride == strides[-1]:
                break
            name, out = f"{self.name}_{stage}_block", channels[number + 1]
            block = _Block(name, out, expansion, sizes[number] != sizes[number + 1])
            handed = {
                head: grafted(block, masked[head][end], head=head, shared=shared) for head in heads
            }
        outputs = {
            head: [masked[head].get(output.node, output) for output in graph.heads]
            for head in heads
        }
        return features_by_head(features, graph, outputs)[0], {}

    def text(self) -> str:
        """See `Sharing.text`."""
        return "each head masks the maps of a shared backbone"


class _Mask:
    """A head's masked map of a stage."""

    def __init__(self, name: str, between: int, channels: int) -> None:
        self.name, self.between, self.channels = name, between, channels

    def __call__(self, *inputs: Any) -> Any:
        """Build it: (map before the last block, the head's from the stage before or none, map)."""
        *read, target = inputs
        x = sym.concat(*read, dim=1, name=f"{self.name}_read") if len(read) > 1 else read[0]
        x = conv_bn(x, f"{self.name}_conv1", max(1, self.between), kernel=1)
        x = conv_bn(x, f"{self.name}_conv2", self.channels, kernel=1, activation=None)
        x = sym.Activation(x, act_type="sigmoid", name=f"{self.name}_mask")
        return sym.elemwise_mul(x, target, name=self.name)


class _Block:
    """A residual block to the channels of the next stage, and halving to its size."""

    def __init__(self, name: str, channels: int, expansion: int, halves: bool) -> None:
        self.name, self.channels, self.expansion = name, channels, expansion
        self.halves = halves

    def __call__(self, x: Any) -> Any:
        """Build it."""
        name, channels, between = self.name, self.channels, self.channels // self.expansion
        shortcut = conv_bn(x, f"{name}_shortcut", channels, kernel=1, activation=None)
        if self.expansion > 1:
            x = conv_bn(x, f"{name}_conv1", between, kernel=1)
            x = conv_bn(x, f"{name}_conv2", between)
            x = conv_bn(x, f"{name}_conv3", channels, kernel=1, activation=None)
        else:
            x = conv_bn(x, f"{name}_conv1", channels)
            x = conv_bn(x, f"{name}_conv2", channels, activation=None)
        x = sym.elemwise_add(x, shortcut, name=f"{name}_sum")
        x = sym.Activation(x, act_type="relu", name=f"{name}_relu")
        if self.halves:
            x = sym.Pooling(
                x,
                kernel=(2, 2),
                stride=(2, 2),
                pool_type="max",
                pooling_convention="full",
                name=f"{name}_pool",
            )
        return x


_WHERE = "sharing 'mtan'"
