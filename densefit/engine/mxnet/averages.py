"""Moving averages of the weights on their device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.backend import mx
from densefit.engine.ema import EMA

_AT_ONCE = 40  # arrays in one call of an operator


class Averages:
    """Averages of float32 NDArrays by name, starting as copies.

    Args:
        ema: decay of the averages.
        arrays: name -> NDArray to average.
    """

    def __init__(self, ema: EMA, arrays: Mapping[str, Any]) -> None:
        self._ema = ema
        self.arrays = {name: array.copy() for name, array in arrays.items()}

    def update(self, arrays: Mapping[str, Any], t: int) -> None:
        """Move towards the weights after update `t` (from 0); asynchronous."""
        decay = self._ema.rate(t)
        names = list(self.arrays)
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            averages = [self.arrays[name] for name in some]
            # a - (1 - d) * (a - x): the update of SGD with the weights x as gradient, negated,
            # and a weight decay of 1; one call for many arrays.
            mx.nd.multi_sgd_update(
                *(
                    array
                    for pair in zip(averages, (arrays[name] for name in some))
                    for array in pair
                ),
                lrs=[1.0 - decay] * len(some),
                wds=[1.0] * len(some),
                rescale_grad=-1.0,
                num_weights=len(some),
                out=averages,
            )

    def settle(self) -> None:
        """Wait until the averages of statistics are computed.

        Call it before the next backward pass: BatchNorm's writes the statistics unknown to MXNet's
        engine, without waiting for readers.
        """
        for name, array in self.arrays.items():
            if name.startswith("aux:"):
                array.wait_to_read()

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Replace the averages by `arrays` (numpy or NDArray) of the same names."""
        for name, average in self.arrays.items():
            average[:] = arrays[name]
