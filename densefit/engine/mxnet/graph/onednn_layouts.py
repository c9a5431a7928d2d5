"""Memory layouts of oneDNN's feature maps on a CPU: blocks of 16 channels, of 8, or plain.

A convolution chooses the blocks by its channels, for its output and for the gradient of its input.
BatchNorm's backward pass needs its input and the incoming gradient in the same blocks, or
one of them plain; otherwise it fails, or silently computes wrong numbers. Measured: 16, 32, 48...
channels lead to blocks of 16; 8, 24, 40... to blocks of 8; others to plain or padded maps that fit
either. A small map of a dilated convolution, or of one with a large kernel, may be plain for any
number of channels; and max pooling to a single row or column returns a gradient that does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from densefit.model.symbol_graph import Node, SymbolGraph

_LARGE = 32  # rows and columns

#: Pass on the layout of the gradient that they receive.
_PASSING = {
    "Activation",
    "relu",
    "LeakyReLU",
    "BatchNorm",
    "Concat",
    "elemwise_add",
    "_plus",
    "_Plus",
    "add_n",
    "ElementWiseSum",
    "_copy",
    "identity",
    "Dropout",
}
#: Return a plain gradient for any incoming layout.
_PLAIN = {
    "transpose",
    "Reshape",
    "reshape",
    "Flatten",
    "flatten",
    "mean",
    "sum",
    "dot",
    "slice",
    "slice_axis",
    "slice_like",
    "BlockGrad",
    "MakeLoss",
    "broadcast_mul",
    "broadcast_like",
    "elemwise_mul",
    "_mul",
    "_mul_scalar",
    "_plus_scalar",
    "UpSampling",
    "BilinearResize2D",
    "square",
}


class Layouts:
    """Memory layouts that oneDNN will choose for the feature maps of a graph.

    Args:
        graph: graph for training.
        shapes: node -> shape of its first output, if known.
    """

    def __init__(self, graph: SymbolGraph, shapes: Mapping[Node, Sequence[int]]) -> None:
        self._graph, self._shapes = graph, shapes
        self._fits: dict[Node, bool] = {}

    def in_sixteens(self, node: Node) -> bool:
        """Whether a node is a convolution whose output is certainly in blocks of 16."""
        read, written = self._channels(node)
        if written == 0 or written % 16 or (read > 4 and read % 16):
            return False
        if set(_pair(node, "dilate")) != {1}:
            return False
        # A large kernel only in a first layer, on a map that is much larger.
        largest = max(_pair(node, "kernel"))
        return largest <= 3 or (largest <= 7 and read <= 4 and min(self._size(node)) >= _LARGE)

    def gradient_fits(self, node: Node) -> bool:
        """Whether all readers of a node return its gradient in blocks of 16, or plain."""
        if node not in self._fits:
            self._fits[node] = all(map(self._returns_fitting, self._graph.readers[node]))
        return self._fits[node]

    def _returns_fitting(self, node: Node) -> bool:
        if node.op == "Convolution":
            read, written = self._channels(node)
            return read > 0 and written % 16 != 8
        if node.op == "Pooling":  # with large windows it returns another layout
            small = node.attr("kernel").replace(" ", "") in ("(2,2)", "(3,3)")
            largest = node.attr("pool_type", "max") == "max"
            wide = min(self._size(node)) > 1
            return (
                small
                and largest
                and wide
                and not node.flag("global_pool")
                and self.gradient_fits(node)
            )
        return node.op in _PLAIN or (node.op in _PASSING and self.gradient_fits(node))

    def _size(self, node: Node) -> tuple[int, int]:
        """(height, width) of a node's map; (0, 0) if it is not known."""
        shape = self._shapes.get(node) or ()
        return (int(shape[2]), int(shape[3])) if len(shape) == 4 else (0, 0)

    def _channels(self, node: Node) -> tuple[int, int]:
        """(read, written) by an ungrouped convolution of maps; (0, 0) by anything else."""
        if node.op != "Convolution" or node.attr("num_group", "1") != "1":
            return 0, 0
        weight = self._shapes.get(node.inputs[1].node) or ()
        return (int(weight[1]), int(weight[0])) if len(weight) == 4 else (0, 0)


def _pair(node: Node, name: str) -> tuple[int, ...]:
    """A setting of a convolution with a number for rows and one for columns; 1 by default."""
    return tuple(map(int, re.findall(r"\d+", node.attr(name)))) or (1, 1)
