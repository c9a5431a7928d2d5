"""Which layers compute in float16: the convolutions and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.exporting.onnx.builder import Builder
from densefit.exporting.onnx.tensor import Tensor

#: Layers that hold nearly all weights and work.
_HALF = ("Convolution", "Convolution_v1", "Deconvolution", "FullyConnected")
#: Layers that take the precision of their first input.
_NEUTRAL = frozenset(
    "Activation BatchNorm Concat Dropout Flatten LeakyReLU Pooling Reshape UpSampling add_n "
    "clip elemwise_add elemwise_mul expand_dims relu slice_axis transpose _copy "
    "_contrib_BatchNormWithReLU broadcast_add broadcast_mul mean".split()
)


def half_inputs(op: str, inputs: Sequence[Tensor], build: Builder) -> list[Tensor]:
    """Inputs of a layer in the precision that it computes in.

    Args:
        op: operator of MXNet.
        inputs: inputs of the layer.
        build: builder, for casts.
    """
    is_half = op in _HALF or (
        op in _NEUTRAL and any(tensor.dtype == np.float16 for tensor in inputs[:1])
    )
    dtype = np.float16 if is_half else np.float32
    return [
        build.cast(tensor, dtype) if tensor.dtype in (np.float16, np.float32) else tensor
        for tensor in inputs
    ]
