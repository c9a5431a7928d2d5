"""How parameters without a value begin."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx


class He(mx.init.Xavier):  # type: ignore[misc]
    """Normal with variance 2 / fan (He et al. 2015), which keeps the scale through ReLUs.

    The fan of a convolution is its outputs, as in ResNets. That of a fully connected layer is its
    inputs: with a handful of outputs, the other rule makes the first logits huge.
    """

    def __init__(self) -> None:
        super().__init__(rnd_type="gaussian", factor_type="out", magnitude=2)

    def _init_weight(self, name: Any, arr: Any) -> None:
        self.factor_type = "in" if arr.ndim == 2 else "out"
        super()._init_weight(name, arr)
