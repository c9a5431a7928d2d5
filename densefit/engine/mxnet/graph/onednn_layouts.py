"""How MXNet's oneDNN lays maps in memory on a CPU: in blocks of 16 channels, of 8, or plainly.

A convolution chooses the blocks by its channels, for its output and for the gradient of its input.
BatchNorm's backward pass wants its input and the gradient that comes back in the same blocks, or
one of them plain; where they are otherwise, it fails, or gives wrong numbers without a word. Which
channels lead to which blocks was found by trying: 16, 32, 48... to blocks of 16; 8, 24, 40... to
blocks of 8; others to plain or padded maps that fit either. A convolution that is dilated, or
whose kernel is large, may make a plain map where it is small, whatever its channels; and max
pooling hands back what does not fit where it leaves a single row or column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_LARGE = 32  # rows and columns

#: Hand on the layout of the gradient that comes back from behind them.
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
#: Hand back a plain gradient, whatever comes.
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
    """What is known of a graph's maps.

    Args:
        nodes: of the Symbol's JSON.
        shapes: node -> shape of its first output, as far as it is known.
    """

    def __init__(
        self, nodes: Sequence[Mapping[str, Any]], shapes: Mapping[str, Sequence[int]]
    ) -> None:
        self._nodes, self._shapes = nodes, shapes
        self._behind: dict[int, list[int]] = {number: [] for number in range(len(nodes))}
        for number, node in enumerate(nodes):
            for entry in node["inputs"]:
                self._behind[entry[0]].append(number)
        self._fits: dict[int, bool] = {}

    def in_sixteens(self, number: int) -> bool:
        """Whether a node is a convolution whose output surely lies in blocks of 16."""
        given, made = self._channels(number)
        if made == 0 or made % 16 or (given > 4 and given % 16):
            return False
        node = self._nodes[number]
        if set(_pair(node, "dilate")) != {1}:
            return False
        # Of the large kernels only that of a first layer, on a map that is large beside it.
        largest = max(_pair(node, "kernel"))
        return largest <= 3 or (largest <= 7 and given <= 4 and min(self._size(number)) >= _LARGE)

    def gradient_fits(self, number: int) -> bool:
        """Whether a node's gradient comes back in blocks of 16, or plain, from all behind it."""
        if number not in self._fits:
            self._fits[number] = all(self._returns(user) for user in self._behind[number])
        return self._fits[number]

    def _returns(self, number: int) -> bool:
        node = self._nodes[number]
        kind = node["op"]
        if kind == "Convolution":
            given, made = self._channels(number)
            return given > 0 and made % 16 != 8
        if kind == "Pooling":  # of large windows it comes back in a layout of its own
            small = attribute(node, "kernel", "").replace(" ", "") in ("(2,2)", "(3,3)")
            largest = attribute(node, "pool_type", "max") == "max"
            whole = attribute(node, "global_pool", "False") in ("True", "1")
            wide = min(self._size(number)) > 1
            return small and largest and wide and not whole and self.gradient_fits(number)
        return kind in _PLAIN or (kind in _PASSING and self.gradient_fits(number))

    def _size(self, number: int) -> tuple[int, int]:
        """(height, width) of a node's map; (0, 0) if it is not known."""
        shape = self._shapes.get(self._nodes[number]["name"]) or ()
        return (int(shape[2]), int(shape[3])) if len(shape) == 4 else (0, 0)

    def _channels(self, number: int) -> tuple[int, int]:
        """(read, made) by an ungrouped convolution of maps; (0, 0) by anything else."""
        node = self._nodes[number]
        if node["op"] != "Convolution" or attribute(node, "num_group", "1") != "1":
            return 0, 0
        weight = self._shapes.get(self._nodes[node["inputs"][1][0]]["name"]) or ()
        return (int(weight[1]), int(weight[0])) if len(weight) == 4 else (0, 0)


def _pair(node: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """A setting of a convolution that is a number for rows and one for columns; 1 by default."""
    found = re.findall(r"\d+", attribute(node, name, ""))
    return tuple(int(one) for one in found) or (1, 1)


def attribute(node: Mapping[str, Any], name: str, default: str) -> str:
    """A setting of a node of a Symbol's JSON, as it is written there."""
    return str(node.get("attrs", {}).get(name, default))
