"""Exclude parameters from an update that only heads without labels train."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from densefit.backend import mx
from densefit.engine.graph.losses import losses_by_input
from densefit.model.network import Network


class Absent:
    """Freeze, for one update, the parameters and statistics of heads without labels.

    An optimizer also moves a parameter whose gradient is exactly 0: by momentum, weight decay or
    Adam's moments. A parameter that only losses without labelled samples train is therefore
    excluded from the update: its value, optimizer states and update count do not change. Neither do
    the moving statistics of BatchNorm layers that only such losses read.

    A loss is a head, or one of its terms (`HeadAdapter.label_groups`).

    Args:
        module: the bound Module that has the optimizer.
        network: network that is trained.
        input_size: input size of the train graph.
    """

    def __init__(self, module: Any, network: Network, input_size: tuple[int, int] | None) -> None:
        self._module, self._network, self._size = module, network, input_size
        self._spared_by: dict[frozenset[str], tuple[list[int], list[int]]] = {}
        self._saved: dict[int, list[Any]] = {}  # statistics, on each device, by their number

    def begin(self, absent: Iterable[str]) -> None:
        """Save statistics before an update computes; `absent` losses have no labels."""
        _, numbers = self._spared(frozenset(absent))
        if numbers:
            mx.nd.waitall()  # BatchNorm's backward pass writes them unknown to MXNet's engine
        arrays = self._module._exec_group.aux_arrays
        self._saved = {number: [replica.copy() for replica in arrays[number]] for number in numbers}

    def update(self, absent: Iterable[str]) -> None:
        """Update the parameters that other losses train; `begin` was called with these losses.

        Waits for the backward pass if there are statistics to restore.
        """
        parameters, statistics = self._spared(frozenset(absent))
        if statistics:
            mx.nd.waitall()
        for number in statistics:
            for replica, copy in zip(
                self._module._exec_group.aux_arrays[number], self._saved[number]
            ):
                copy.copyto(replica)
        with self._without(parameters):
            self._module.update()

    @contextmanager
    def _without(self, numbers: Iterable[int]) -> Iterator[None]:
        """Hide gradients from the Module, which then treats their parameters as fixed."""
        gradients = self._module._exec_group.grad_arrays
        hidden = {number: gradients[number] for number in numbers}
        try:
            for number, replicas in hidden.items():
                gradients[number] = [None] * len(replicas)
            yield
        finally:
            for number, replicas in hidden.items():
                gradients[number] = replicas

    def _spared(self, absent: frozenset[str]) -> tuple[list[int], list[int]]:
        """Indices of the parameters and statistics whose losses are all absent; cached."""
        if absent not in self._spared_by:
            group, (learning, reading) = self._module._exec_group, self._readers
            adapters = self._network.adapters.values()
            everything = frozenset(key for adapter in adapters for key in adapter.label_groups)
            parameters, statistics = (
                [k for k, name in enumerate(names) if absent >= (losses.get(name) or everything)]
                for names, losses in ((group.param_names, learning), (group.aux_names, reading))
            )
            self._spared_by[absent] = parameters, statistics
        return self._spared_by[absent]

    @cached_property
    def _readers(self) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """Losses that train each parameter, and that read each statistic."""
        return losses_by_input(self._module.symbol, self._network, self._size)
