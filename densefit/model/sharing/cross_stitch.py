"""Cross-stitch networks: a backbone for each head, whose maps are mixed after each stage.

Misra et al., CVPR 2016, arXiv:1604.03539.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.sharing.feature_symbols import features_by_head, symbols_of
from densefit.model.sharing.grafting import grafted
from densefit.model.sharing.sharing import Sharing, sharings
from densefit.model.sharing.stages import (
    STAGE_OF,
    check_names,
    copied,
    end_of,
    learned_nodes,
    stride_of,
)
from densefit.model.symbol_graph import Node, Output, SymbolGraph
from densefit.numeric import is_real
from densefit.symbol import init, sym


@sharings.register("cross_stitch")
class CrossStitch(Sharing):
    """A head's map after a stage is a learned sum of all heads' maps, which its next stage reads.

    The factor of another head's map is the parameter `<head>_cross_stitch_<stage>_<other>_alpha`.
    Heads read the sums; the maps of the last stage are not mixed, as in LibMTL.

    Args:
        stages: after which maps are mixed, by name or stride; None: all but the last.
        per_channel: a factor for each channel of each pair of heads, instead of one for each pair.
        same: first factor of the head's map. The paper has 0.9 and 0.1, LibMTL 1 and 1.
        other: first factor of each other head's map.

    Raises:
        ConfigError: an unknown stage, or factors that are no numbers.
    """

    name = "cross_stitch"
    reads_heads = True

    def __init__(
        self,
        stages: Sequence[str | int] | None = None,
        per_channel: bool = False,
        same: float = 1.0,
        other: float = 1.0,
    ) -> None:
        for setting, value in (("same", same), ("other", other)):
            if not is_real(value):
                raise ConfigError(
                    "The first factor of a map is a number",
                    received=repr(value),
                    where=f"{setting} of sharing 'cross_stitch'",
                )
        self.strides = None if stages is None else [stride_of(s, _WHERE) for s in stages]
        self.per_channel, self.same, self.other = per_channel, float(same), float(other)

    def share(
        self, features: Features, whole: Features, heads: Sequence[str]
    ) -> tuple[dict[str, Features], dict[str, str]]:
        """See `Sharing.share`."""
        graph = SymbolGraph.of(sym.Group(symbols_of(features)))
        strides = self.strides
        if strides is None:
            strides = sorted(stride for stride in whole.maps if stride in STAGE_OF)[:-1]
        ends = {end_of(whole, stride, _WHERE): stride for stride in strides}
        learned = learned_nodes(graph)
        copies = {f"{head}_{node.name}": node.name for head in heads for node in learned}
        check_names(copies, [node.name for node in graph.nodes], _WHERE)
        nodes: dict[str, dict[Node, Node]] = {head: {} for head in heads}
        for node in graph.nodes:
            for head in heads:
                new = copied(node, nodes[head], f"{head}_") if node in learned else node
                nodes[head][node] = new
            if node.name in ends:
                stride = ends[node.name]
                maps = {head: nodes[head][node] for head in heads}
                for head in heads:
                    nodes[head][node] = self._mixed(head, maps, stride, whole.channels[stride])
        outputs = {
            head: [output._replace(node=nodes[head][output.node]) for output in graph.heads]
            for head in heads
        }
        result, read = features_by_head(features, graph, outputs)
        return result, {name: original for name, original in copies.items() if name in read}

    def _mixed(self, head: str, maps: Mapping[str, Node], stride: int, channels: int) -> Node:
        """The sum of all heads' maps for one head."""
        prefix = f"{head}_{self.name}_{STAGE_OF[stride]}"

        def build(*inputs: Any) -> Any:
            parts = []
            for other, part in zip(maps, inputs):
                alpha = sym.Variable(
                    f"{prefix}_{other}_alpha",
                    shape=(channels if self.per_channel else 1,),
                    init=init.Constant(self.same if other == head else self.other),
                )
                alpha = sym.reshape(alpha, shape=(1, -1, 1, 1), name=f"{prefix}_{other}_factor")
                parts.append(sym.broadcast_mul(part, alpha, name=f"{prefix}_{other}"))
            return sym.add_n(*parts, name=prefix)

        return grafted(build, *map(Output, maps.values())).node

    def text(self) -> str:
        """See `Sharing.text`."""
        stages = ", ".join(STAGE_OF[stride] for stride in self.strides or ())
        factors = "factors of channels" if self.per_channel else "factors"
        return (
            f"a backbone for each head, mixed by learned {factors} after {stages or 'each stage'}"
        )


_WHERE = "sharing 'cross_stitch'"
