"""What the heads of a network share, as a line of a training's first block."""

from __future__ import annotations

from collections.abc import Mapping

from densefit.model.branches import STAGES, branches
from densefit.model.network import Network
from densefit.model.summary import summary


def shared_text(network: Network, input_size: tuple[int, int]) -> str:
    """Which heads part where, and what it costs against one backbone for all; "" without a tree."""
    if network.share_until is None:
        return ""
    undivided = Network(network.backbone, network.heads, output_stride=network.output_stride)
    costs, plain = summary(network, input_size), summary(undivided, input_size)
    names = {stride: stage for stage, stride in STAGES.items()}
    if isinstance(network.share_until, Mapping):
        parts = [
            f"{' | '.join(' + '.join(group) for group in groups)} behind {names[stride]}"
            for stride, groups in branches(network.share_until, list(network.adapters))
        ]
    else:
        parts = [f"each head has its own layers behind {network.share_until}"]
    parameters = costs.parameters - plain.parameters
    products = costs.multiply_adds / max(1, plain.multiply_adds)
    cost = f"{parameters:,} parameters more than one backbone, {products:.2f} times its work"
    return "; ".join([*parts, cost])
