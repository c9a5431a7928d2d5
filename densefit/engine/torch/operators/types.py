"""MXNet's names of dtypes as torch's dtypes."""

from __future__ import annotations

import numpy as np
import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.errors import EngineError

#: numpy's and MXNet's name -> dtype.
TORCH_DTYPES = {
    "float16": torch.float16,
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int32": torch.int32,
    "int64": torch.int64,
    "bool": torch.bool,
}
NUMPY_DTYPES = {dtype: np.dtype(name) for name, dtype in TORCH_DTYPES.items() if name != "bfloat16"}


def dtype_of(attrs: Attributes, default: str = "float32", name: str = "dtype") -> torch.dtype:
    """The dtype that a setting names.

    Raises:
        EngineError: torch has no such dtype.
    """
    text = attrs.text(name, default)
    text = default if text in ("None", "") else text
    if text not in TORCH_DTYPES:
        raise EngineError(
            f"The engine 'torch' has no dtype {text!r}",
            expected=f"one of {', '.join(TORCH_DTYPES)}",
            where=f"node {attrs.node.name!r}",
        )
    return TORCH_DTYPES[text]
