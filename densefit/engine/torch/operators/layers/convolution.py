"""Layers with weights: dense, convolution, transposed convolution.

With `Run.precision` they compute in that dtype; results are float32.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator

_CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def _at_precision(run: Any, layer: Any, data: Any, weight: Any, bias: Any, *rest: Any) -> Any:
    """Compute a layer in the dtype of the pass."""
    dtype = run.precision
    if dtype is None or data.dtype != torch.float32:
        return layer(data, weight, bias, *rest)
    result = layer(
        data.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype), *rest
    )
    return result.to(data.dtype)


@operator("FullyConnected")
def fully_connected(attrs: Attributes) -> Compute:
    """(N, ...) -> (N, num_hidden), with the inputs of a sample flattened if `flatten`."""
    flatten = attrs.flag("flatten", True)

    def compute(run: Any, data: Any, weight: Any, bias: Any = None) -> Any:
        data = data.flatten(1) if flatten and data.ndim != 2 else data
        return _at_precision(run, F.linear, data, weight, bias)

    return compute


@operator("Convolution", "Convolution_v1")
def convolution(attrs: Attributes) -> Compute:
    """Convolution along 1 to 3 axes; images are computed in channels_last, the faster layout."""
    kernel = attrs.wholes("kernel")
    ndim = len(kernel)
    stride, dilate = attrs.wholes("stride", (1,) * ndim), attrs.wholes("dilate", (1,) * ndim)
    pad, groups = attrs.wholes("pad", (0,) * ndim), attrs.whole("num_group", 1)
    layer = _CONVOLUTIONS[ndim - 1]
    to_first, to_last = _layouts(attrs, ndim)

    def compute(run: Any, data: Any, weight: Any, bias: Any = None) -> Any:
        if to_first is not None:
            data, weight = data.permute(to_first), weight.permute(to_first)
        elif ndim == 2:
            data = data.contiguous(memory_format=torch.channels_last)
        result = _at_precision(run, layer, data, weight, bias, stride, pad, dilate, groups)
        return result if to_last is None else result.permute(to_last)

    return compute


def _layouts(attrs: Attributes, ndim: int) -> tuple[list[int] | None, list[int] | None]:
    """Permutations to the layout with channels second, and back; None where it is that."""
    if not attrs.text("layout").endswith("C"):
        return None, None
    axes = list(range(ndim + 2))
    return [0, ndim + 1, *axes[1:-1]], [0, *axes[2:], 1]


@operator("Deconvolution")
def deconvolution(attrs: Attributes) -> Compute:
    """Transposed convolution; `target_shape` sets padding and `adj` from the size of the result."""
    kernel = attrs.wholes("kernel")
    ndim = len(kernel)
    stride, dilate = attrs.wholes("stride", (1,) * ndim), attrs.wholes("dilate", (1,) * ndim)
    pad, adjust = attrs.wholes("pad", (0,) * ndim), attrs.wholes("adj", (0,) * ndim)
    groups = attrs.whole("num_group", 1)
    target = attrs.wholes("target_shape", ()) if attrs.optional("target_shape") else ()
    layer = _TRANSPOSED[ndim - 1]

    def compute(run: Any, data: Any, weight: Any, bias: Any = None) -> Any:
        padding, extra = pad, adjust
        if target and any(target):
            extents = [d * (k - 1) + 1 for d, k in zip(dilate, kernel)]
            totals = [
                s * (n - 1) + e - t for s, n, e, t in zip(stride, data.shape[2:], extents, target)
            ]
            extra = tuple(total % 2 for total in totals)
            padding = tuple((total + 1) // 2 for total in totals)
        return _at_precision(run, layer, data, weight, bias, stride, padding, extra, groups, dilate)

    return compute
