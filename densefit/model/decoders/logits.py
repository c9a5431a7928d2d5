"""What decoders end with: a convolution to logits, at a quarter of the input size."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym

LOGIT_STRIDE = 4


def last_convolution(x: Any, name: str, outputs: int, init: Any, kernel: int = 1) -> Any:
    """Last convolution, with a bias; `init` initializes its weights unless it is None."""
    weight = sym.Variable(f"{name}_weight", init=init)
    padding = {"pad": (kernel // 2, kernel // 2)} if kernel > 1 else {}
    return sym.Convolution(
        x, weight, num_filter=outputs, kernel=(kernel, kernel), name=name, **padding
    )
