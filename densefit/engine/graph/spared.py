"""Parameters and statistics that an update must not change, as only absent losses use them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from densefit.engine.graph.losses import losses_by_input
from densefit.model.network import Network


class Spared:
    """Find the parameters and statistics that only losses without labels train or read.

    An optimizer also moves a parameter whose gradient is exactly 0: by momentum, weight decay or
    Adam's moments. A parameter that only losses without labelled samples train is therefore
    excluded from the update: its value, optimizer states and update count do not change. Neither do
    the moving statistics of BatchNorm layers that only such losses read.

    A loss is a head, or one of its terms (`HeadAdapter.label_groups`).

    Args:
        symbol: the train graph as it is bound.
        network: network that is trained.
        input_size: (height, width) of the train graph's input.
        parameters, statistics: names in the train graph.
    """

    def __init__(
        self,
        symbol: Any,
        network: Network,
        input_size: tuple[int, int] | None,
        parameters: Sequence[str],
        statistics: Sequence[str],
    ) -> None:
        self._symbol, self._network, self._size = symbol, network, input_size
        self._names = parameters, statistics
        self._spared_by: dict[frozenset[str], tuple[list[int], list[int]]] = {}

    def without(self, absent: frozenset[str]) -> tuple[list[int], list[int]]:
        """Indices of the parameters and statistics whose losses are all absent; cached."""
        if absent not in self._spared_by:
            adapters = self._network.adapters.values()
            everything = frozenset(key for adapter in adapters for key in adapter.label_groups)
            parameters, statistics = (
                [k for k, name in enumerate(names) if absent >= (losses.get(name) or everything)]
                for names, losses in zip(self._names, self._readers)
            )
            self._spared_by[absent] = parameters, statistics
        return self._spared_by[absent]

    @cached_property
    def _readers(self) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """Losses that train each parameter, and that read each statistic."""
        return losses_by_input(self._symbol, self._network, self._size)
