"""Decoder: backbone features -> a map at a quarter of the input size, for any dense head.

The head gives the channels their meaning: class logits, depth, components of a vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from densefit.model.heads.head import Features
from densefit.registry import Registry
from densefit.symbol import sym

LOGIT_STRIDE = 4


class Decoder(ABC):
    """A decoder without its parameters: its settings, and the graph that they describe.

    Attributes:
        output_stride: stride of the deepest feature map that it is made for: the backbone of a
            network with this head alone has it. A network whose other heads need a smaller one
            lacks the deeper maps.
    """

    output_stride: int

    @abstractmethod
    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """Build the map (B, outputs, h, w) at LOGIT_STRIDE, with parameters `<name>_...`.

        Args:
            features: features of the backbone.
            name: name of the head.
            outputs: channels of the map.
            init: MXNet initializer of the last weights, for outputs that must start near 0; by
                default that of all weights.
        """


decoders: Registry[Decoder] = Registry("decoder")


def last_convolution(x: Any, name: str, outputs: int, init: Any, kernel: int = 1) -> Any:
    """Last convolution, with a bias; `init` initializes its weights unless it is None."""
    weight = sym.Variable(f"{name}_weight", init=init)
    padding = {"pad": (kernel // 2, kernel // 2)} if kernel > 1 else {}
    return sym.Convolution(
        x, weight, num_filter=outputs, kernel=(kernel, kernel), name=name, **padding
    )
