"""The strides and dilations of a backbone's layers at an output stride."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Strides:
    """Count strides on the way down; below the output stride, dilate instead.

    Attributes:
        output_stride: stride that is not exceeded: 8, 16 or 32.
        stride: stride of the present feature map.
        dilation: dilation of layers without a stride on the present feature map.
    """

    output_stride: int
    stride: int = 1
    dilation: int = 1

    def enter(self, step: int) -> tuple[int, int]:
        """Return (stride, dilation) of a layer with the stride `step`, 1 or more.

        Without its stride a layer sees the map at the dilation of the layers before it; those
        behind it see `dilation`.

        >>> strides = Strides(16, stride=16)
        >>> strides.enter(2), strides.dilation, strides.stride
        ((1, 1), 2, 16)
        """
        dilation = self.dilation
        if step > 1 and self.stride >= self.output_stride:
            self.dilation *= step
            return 1, dilation
        self.stride *= step
        return step, dilation
