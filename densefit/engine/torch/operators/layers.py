"""Layers with parameters: convolution, fully connected."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("FullyConnected")
def fully_connected(attrs: Attributes) -> Compute:
    """(N, ...) -> (N, num_hidden), with the inputs of a sample flattened if `flatten`."""
    flatten = attrs.flag("flatten", True)

    def compute(run: Any, data: Any, weight: Any, bias: Any = None) -> Any:
        return F.linear(data.flatten(1) if flatten else data, weight, bias)

    return compute
