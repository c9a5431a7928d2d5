"""Decoder: backbone features -> a map at a quarter of the input size, for any dense head.

The head gives the channels their meaning: class logits, depth, components of a vector.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from densefit.model.decoders.auxiliary import auxiliary_logits
from densefit.model.decoders.logits import LOGIT_STRIDE as LOGIT_STRIDE
from densefit.model.decoders.logits import last_convolution as last_convolution
from densefit.model.heads.head import Features
from densefit.registry import Registry


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

    def auxiliary(self, features: Features, name: str, outputs: int) -> Any:
        """Build logits (B, outputs, h, w) at LOGIT_STRIDE from an inner map, for training only.

        Args:
            features: features of the backbone.
            name: prefix of the parameters.
            outputs: number of classes.
        """
        return auxiliary_logits(features, name, outputs)


decoders: Registry[Decoder] = Registry("decoder")
