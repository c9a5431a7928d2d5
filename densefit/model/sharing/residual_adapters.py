"""Adapters of one head: 1x1 convolutions beside the wider ones of a shared, usually frozen, trunk.

Rebuffi et al. 2018, arXiv:1803.10082 (parallel residual adapters). They are 0 before the training,
so that the network begins as the one whose weights it has.
"""

from __future__ import annotations

from ast import literal_eval

from densefit.model.symbol_graph import VARIABLE, Node, Output
from densefit.symbol import init


def adapted(convolution: Node) -> Node:
    """The sum of a convolution and its adapter; the convolution itself if none fits beside it.

    Adapters fit beside convolutions wider than 1x1 that pad both sides alike and keep the size but
    for their stride. A convolution in groups has an adapter in groups.
    """
    if convolution.op != "Convolution":
        return convolution
    kernel, pad = _pair(convolution, "kernel", 1), _pair(convolution, "pad", 0)
    dilation = _pair(convolution, "dilate", 1)
    spans = [step * (cells - 1) for step, cells in zip(dilation, kernel)]
    if not any(spans) or spans != [2 * cells for cells in pad]:
        return convolution
    name = f"{convolution.name}_adapter"
    weight = Node(VARIABLE, f"{name}_weight", attrs={"__init__": init.Zero().dumps()})
    attrs = {
        "kernel": "(1, 1)",
        "stride": str(_pair(convolution, "stride", 1)),
        "num_filter": convolution.attr("num_filter"),
        "num_group": convolution.attr("num_group", "1"),
        "no_bias": "True",
    }
    adapter = Node("Convolution", name, (convolution.inputs[0], Output(weight)), attrs)
    return Node("elemwise_add", f"{name}_sum", (Output(convolution), Output(adapter)))


def _pair(node: Node, name: str, default: int) -> tuple[int, int]:
    """A setting of rows and columns; MXNet writes () for its default."""
    return literal_eval(node.attr(name, "()")) or (default, default)
