"""The feature maps that a backbone hands to a head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AuxiliaryMap:
    """The map that a backbone's paper attaches an auxiliary head to, in training.

    Attributes:
        stride: of the map.
        symbol: (B, channels, H/stride, W/stride).
        channels: number of channels.
    """

    stride: int
    symbol: Any
    channels: int


@dataclass(frozen=True)
class Features:
    """Feature maps of the backbone, as Symbols.

    Attributes:
        maps: stride -> Symbol (B, C, H/stride, W/stride), for the strides 4, 8, 16 and 32
            (a backbone with a smaller output stride lacks the larger ones).
        channels: stride -> number of channels.
        input_size: (height, width) of the network's input.
        auxiliary: map for auxiliary heads; None: that of stride 16, or the deepest before it.
        built: layers of heads on these maps, see `once_per_features`.
    """

    maps: Mapping[int, Any]
    channels: Mapping[int, int]
    input_size: tuple[int, int]
    auxiliary: AuxiliaryMap | None = None
    built: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def size(self, stride: int) -> tuple[int, int]:
        """(height, width) of the map at `stride`: every halving rounds up."""
        height, width = self.input_size
        return -(-height // stride), -(-width // stride)
