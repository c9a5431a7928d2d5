"""Exclude parameters from an update that only heads without labels train."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from densefit.backend import mx
from densefit.engine.graph.spared import Spared
from densefit.model.network import Network


class Absent:
    """Freeze, for one update, the parameters and statistics of heads without labels.

    See `densefit.engine.graph.spared.Spared`.

    Args:
        module: the bound Module that has the optimizer.
        network: network that is trained.
        input_size: input size of the train graph.
    """

    def __init__(self, module: Any, network: Network, input_size: tuple[int, int] | None) -> None:
        self._module, group = module, module._exec_group
        self._spared = Spared(
            module.symbol, network, input_size, group.param_names, group.aux_names
        )
        self._saved: dict[int, list[Any]] = {}  # statistics, on each device, by their number

    def begin(self, absent: Iterable[str]) -> None:
        """Save statistics before an update computes; `absent` losses have no labels."""
        _, numbers = self._spared.without(frozenset(absent))
        if numbers:
            mx.nd.waitall()  # BatchNorm's backward pass writes them unknown to MXNet's engine
        arrays = self._module._exec_group.aux_arrays
        self._saved = {number: [replica.copy() for replica in arrays[number]] for number in numbers}

    def update(self, absent: Iterable[str]) -> None:
        """Update the parameters that other losses train; `begin` was called with these losses.

        Waits for the backward pass if there are statistics to restore.
        """
        parameters, statistics = self._spared.without(frozenset(absent))
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
