"""What the heads of a network share, as a line of a training's first block."""

from __future__ import annotations

from collections.abc import Mapping

from densefit.model.network import Network
from densefit.model.sharing.branches import branches
from densefit.model.sharing.sharing import make_sharing
from densefit.model.sharing.stages import STAGES
from densefit.model.summary import summary


def shared_text(network: Network, input_size: tuple[int, int]) -> str:
    """What heads have for themselves, and its cost against one backbone for all; "" for nothing."""
    sharing = network.sharing
    if network.share_until is None and not network.normalize_by_head and sharing is None:
        return ""
    undivided = Network(network.backbone, network.heads, output_stride=network.output_stride)
    costs, plain = summary(network, input_size), summary(undivided, input_size)
    names = {stride: stage for stage, stride in STAGES.items()}
    parts = []
    if sharing is not None:
        parts = [make_sharing(sharing, list(network.adapters)).text()]
    elif isinstance(network.share_until, Mapping):
        parts = [
            f"{' | '.join(' + '.join(group) for group in groups)} behind {names[stride]}"
            for stride, groups in branches(network.share_until, list(network.adapters))
        ]
    elif network.share_until is not None:
        parts = [f"each head has its own layers behind {network.share_until}"]
    if network.normalize_by_head:
        adapters = " and adapters" if network.adapt_by_head else ""
        parts.append(f"each head has its own normalization{adapters} in the backbone")
    parameters = costs.parameters - plain.parameters
    products = costs.multiply_adds / max(1, plain.multiply_adds)
    cost = f"{parameters:,} parameters more than one backbone, {products:.2f} times its work"
    return "; ".join([*parts, cost])
