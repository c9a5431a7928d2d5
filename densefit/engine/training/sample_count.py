"""Samples of an update, over which its losses are averaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from densefit.data.batch import Batch
from densefit.distributed import World
from densefit.errors import ConfigError
from densefit.model.network import Network


def check_no_noise(draws_at_random: bool, optimizer: Any, world: World) -> None:
    """Raise ConfigError for an optimizer whose random numbers would differ between ranks."""
    if draws_at_random and world.is_shared:
        raise ConfigError(
            "The optimizer draws random numbers, which would differ between the ranks",
            received=type(optimizer).__name__,
            where=f"rank {world.rank} of {world.size}",
            fix="another optimizer, or one process",
        )


class SampleCount:
    """Count the samples of an update's micro-batches.

    Args:
        network: network that is trained.

    Attributes:
        samples: number of samples of the update so far, over which losses are averaged.
        rescale: the constant factor on an update's gradient; None: 1 / samples.
        rank_sum: sums the gradients and a number over the ranks; None for one rank.
    """

    rank_sum: Callable[[float], float] | None = None

    def __init__(self, network: Network) -> None:
        adapters = network.adapters.values()
        self._weighed = [key for adapter in adapters for key in adapter.weights.values()]
        self.samples = 0
        self.rescale: float | None = None

    def count(self, batch: Batch, first: bool, shares: Mapping[str, float] | None) -> None:
        """Count a micro-batch, the `first` of an update or a further one.

        Without `shares`, the mean of the losses is over the labelled samples.
        """
        if first:
            self.samples = 0
        is_counted = shares is None and self._weighed
        self.samples += int(batch.labelled[self._weighed[0]].sum()) if is_counted else batch.real

    def sum_ranks(self, is_refused: bool = False) -> bool:
        """Sum gradients and numbers of samples over the ranks; returns whether a rank refuses."""
        if self.rank_sum is None:
            return is_refused
        samples = self.rank_sum(math.nan if is_refused else self.samples)
        if math.isnan(samples):
            return True
        self.samples = int(samples)
        return False

    def mean_factor(self) -> float:
        """Factor on the summed gradient that gives the gradient of the mean loss."""
        return 1.0 / max(1, self.samples) if self.rescale is None else self.rescale
