"""An exponential moving average of the weights, which is what is scored and kept.

Polyak and Juditsky, 1992; with the decay that grows at the start as in TensorFlow's
ExponentialMovingAverage (`num_updates`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.backend import mx
from densefit.numeric import real

_AT_ONCE = 40  # arrays in one call of an operator


@dataclass(frozen=True)
class EMA:
    """After update t (from 0): average = d * average + (1 - d) * weights, d at most `decay`.

    Updates that were refused (`fit(nonfinite=...)`) do not count. The average is over updates: that
    of a head goes on while the head itself stands still, in updates in which nobody has its labels.

    >>> [round(EMA(0.999).rate(t), 4) for t in (0, 10, 100000)]
    [0.1, 0.55, 0.999]

    Attributes:
        decay: 0 to below 1; 0.999 averages over about the last thousand updates.
        warmup: let d grow as (1 + t) / (10 + t), so that the first weights are soon forgotten.

    Raises:
        ConfigError: a decay out of range.
    """

    decay: float = 0.999
    warmup: bool = True

    def __post_init__(self) -> None:
        real(self.decay, "decay", least=0.0, below=1.0, where="EMA")

    def rate(self, t: int) -> float:
        """The d after update `t`, from 0."""
        return min(self.decay, (1 + t) / (10 + t)) if self.warmup else self.decay


def as_ema(given: float | EMA | None) -> EMA | None:
    """The EMA that is meant by a decay, or by itself."""
    return given if given is None or isinstance(given, EMA) else EMA(given)


class Averages:
    """Averages of float32 NDArrays by name; they begin as copies.

    Args:
        ema: how fast they move.
        arrays: name -> what is averaged.
    """

    def __init__(self, ema: EMA, arrays: Mapping[str, Any]) -> None:
        self._ema = ema
        self.arrays = {name: array.copy() for name, array in arrays.items()}

    def update(self, arrays: Mapping[str, Any], t: int) -> None:
        """Move towards `arrays`, what update `t` (from 0) made. Returns before it is computed."""
        decay = self._ema.rate(t)
        names = list(self.arrays)
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            own = [self.arrays[name] for name in some]
            # a - (1 - d) * (a - x): the update of SGD with the weights x as gradient, negated,
            # and a weight decay of 1; one call for many arrays.
            mx.nd.multi_sgd_update(
                *(array for pair in zip(own, (arrays[name] for name in some)) for array in pair),
                lrs=[1.0 - decay] * len(some),
                wds=[1.0] * len(some),
                rescale_grad=-1.0,
                num_weights=len(some),
                out=own,
            )

    def settle(self) -> None:
        """Wait until the averages of statistics are computed.

        To be called before the next backward pass: BatchNorm's writes the statistics without
        MXNet's engine knowing, so that it would not wait for who still reads them.
        """
        for name, array in self.arrays.items():
            if name.startswith("aux:"):
                array.wait_to_read()

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Become `arrays` (numpy or NDArray), of the same names."""
        for name, own in self.arrays.items():
            own[:] = arrays[name]
