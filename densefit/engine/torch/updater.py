"""Updates of a bound train graph: its optimizer applied to the gradients of the micro-batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch

from densefit.engine.graph.spared import Spared
from densefit.engine.settings import OptimizerSettings
from densefit.engine.torch import optimizers
from densefit.engine.torch.bind import TrainGraph
from densefit.engine.torch.gradients import Gradients
from densefit.engine.torch.parameters import ParameterStore
from densefit.model.network import Network


class Updater:
    """Apply gradients with an optimizer.

    Args:
        bound: the bound train graph.
        network: network that is trained.
        gradients: gradients of its parameters.
        parameters: its parameters and statistics.
        input_size: (height, width) of the train graph; None for a user's Symbol.

    Attributes:
        optimizer: optimizer in use.
        settings: settings that it was started with.
    """

    optimizer: Any = None
    settings = OptimizerSettings()

    def __init__(
        self,
        bound: TrainGraph,
        network: Network,
        gradients: Gradients,
        parameters: ParameterStore,
        input_size: tuple[int, int] | None,
    ) -> None:
        self._bound, self._gradients = bound, gradients
        self._parameters, self._names = parameters, list(bound.trained)
        self._statistics = list(bound.statistics)
        self._spared = Spared(bound.symbol, network, input_size, self._names, self._statistics)
        self._saved: dict[str, torch.Tensor] = {}
        #: States and counts of parameters that were trained before they were fixed.
        self._of_fixed: tuple[dict[str, np.ndarray], dict[str, int]] = {}, {}

    def start(self, settings: OptimizerSettings, batch_size: int) -> None:
        """Start a new optimizer.

        Args:
            settings: settings of the optimizer.
            batch_size: rows of a full batch.

        Raises:
            ConfigError: an unknown optimizer or setting, or groups that match no parameter.
        """
        self.settings = settings
        self.optimizer = optimizers.start(
            settings, self._bound.trained, self._bound.plan.graph, self._bound.plan.fixed
        )

    @property
    def draws_at_random(self) -> bool:
        """Whether the optimizer draws random numbers (SGLD's noise)."""
        return bool(self.optimizer.draws_at_random)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(arrays, counters) of the optimizer, by parameter name."""
        arrays, counters = optimizers.optimizer_state(self.optimizer)
        fixed, counts = self._of_fixed
        return {**arrays, **fixed}, {**counters, "counts": {**counters["counts"], **counts}}

    def load_state(
        self, arrays: Mapping[str, np.ndarray], counters: Mapping[str, Any], is_other: bool
    ) -> str:
        """Continue from what `state` returned; see `Engine.load_optimizer_state`.

        States of parameters that are fixed now are stored again with the next checkpoint.
        """
        fixed = set(self._bound.plan.fixed)
        counts = counters["counts"]
        states = {
            key: array for key, array in arrays.items() if key.rpartition("/")[0] not in fixed
        }
        moving = {name: count for name, count in counts.items() if name not in fixed}
        reason = str(
            optimizers.load_optimizer_state(
                self.optimizer, states, {**counters, "counts": moving}, is_other
            )
        )
        if not reason:
            self._of_fixed = (
                {key: array for key, array in arrays.items() if key not in states},
                {name: count for name, count in counts.items() if name not in moving},
            )
        return reason

    def begin(self, absent: Collection[str]) -> None:
        """Begin an update in which `absent` losses may have no labels."""
        _, numbers = self._spared.without(frozenset(absent)) if absent else ([], [])
        names = [self._statistics[number] for number in numbers]
        self._saved = {name: self._bound.statistics[name].clone() for name in names}

    def apply(self, lr: float | None, scale: float, absent: Collection[str]) -> None:
        """Apply the gradients.

        Args:
            lr: learning rate; None for the optimizer's own.
            scale: factor on the gradient.
            absent: losses without labels in the update.

        Raises:
            ConfigError: the learning rate is not finite.
        """
        source = self.optimizer.source
        if source is not None and self._gradients.rescale is not None:
            self._gradients.rescale = source.rescale_grad
        excluded: list[str] = []
        if absent:
            self._parameters.set_statistics(self._saved)
            numbers, _ = self._spared.without(frozenset(absent))
            excluded = [self._names[number] for number in numbers]
        factor = self._gradients.mean_factor()
        self.optimizer.step(
            rescale_grad=factor * scale, lr=lr, excluded=excluded, absent=bool(absent)
        )
