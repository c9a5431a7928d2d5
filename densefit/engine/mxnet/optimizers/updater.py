"""Updates of a bound Module: its optimizer applied to the gradients of the last micro-batches."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet.gradients import Gradients
from densefit.engine.mxnet.optimizers.absent import Absent
from densefit.engine.mxnet.optimizers.start import (
    start_optimizer,
    start_own_optimizer,
    warn_of_unused_rate,
)
from densefit.engine.settings import OptimizerSettings
from densefit.errors import ConfigError
from densefit.model.network import Network

TINY = float(np.finfo(np.float32).tiny)


class Updater:
    """Apply a Module's gradients with its optimizer.

    Args:
        module: bound Module with parameters.
        network: network that is trained.
        gradients: gradients of the Module.
        input_size: (height, width) of the train graph; None for a user's Symbol.
        is_live: whether the Module is the user's.

    Attributes:
        optimizer: optimizer in use, an `mx.optimizer.Optimizer`.
        settings: settings that it was started with.
    """

    optimizer: Any = None
    settings = OptimizerSettings()

    def __init__(
        self,
        module: Any,
        network: Network,
        gradients: Gradients,
        input_size: tuple[int, int] | None,
        is_live: bool,
    ) -> None:
        self._module, self._gradients = module, gradients
        self._absent = Absent(module, network, input_size)
        self._is_live = is_live

    def start(self, settings: OptimizerSettings, batch_size: int) -> None:
        """Start a new optimizer; a user's Module continues with its own.

        Args:
            settings: settings of the optimizer.
            batch_size: rows of a full batch.

        Raises:
            ConfigError: an unknown optimizer or setting, or groups that match no parameter.
        """
        self.settings = settings
        start = start_own_optimizer if self._is_live else start_optimizer
        self.optimizer = start(self._module, settings, batch_size)
        warn_of_unused_rate(self.optimizer, settings)

    @property
    def draws_at_random(self) -> bool:
        """Whether the optimizer draws random numbers (SGLD's noise)."""
        return isinstance(self.optimizer, mx.optimizer.SGLD)

    def begin(self, absent: Collection[str]) -> None:
        """Begin an update in which `absent` losses may have no labels, see `Absent`."""
        if absent:
            self._absent.begin(absent)

    def apply(self, lr: float | None, scale: float, number: int, absent: Collection[str]) -> None:
        """Apply the gradients.

        Args:
            lr: learning rate; None for the optimizer's own.
            scale: factor on the gradient.
            number: number of the update, from 1.
            absent: losses without labels in the update.

        Raises:
            ConfigError: the learning rate is not finite.
        """
        optimizer = self.optimizer
        self._follow()
        factor = self._gradients.mean_factor()
        rescale = factor * scale  # below TINY, MXNet raises an error
        optimizer.rescale_grad = rescale if abs(rescale) >= TINY else math.copysign(TINY, rescale)
        if lr is not None:
            optimizer.lr = lr
        try:
            # MXNet passes the largest update count of a parameter to an lr_scheduler; updates that
            # excluded all parameters count here, too.
            if absent or self._is_behind():
                optimizer.num_update += 1
            if absent:
                self._absent.update(absent)
            else:
                self._module.update()
        except mx.base.MXNetError as error:
            if math.isfinite(optimizer.learning_rate):
                raise
            raise ConfigError(
                "The learning rate is not a finite number",
                received=f"{optimizer.learning_rate}, of the update {number}",
                where=f"optimizer {type(optimizer).__name__}",
                fix="check the schedule, or the optimizer's lr_scheduler",
            ) from error
        optimizer.rescale_grad = factor

    def _is_behind(self) -> bool:
        """Whether every parameter was excluded from some update."""
        optimizer = self.optimizer
        counts = optimizer._all_index_update_counts.values()
        most = max((max(device_counts.values(), default=0) for device_counts in counts), default=0)
        return bool(optimizer.num_update > max(most, optimizer.begin_num_update))

    def _follow(self) -> None:
        """Read the user's changes to the optimizer since the last update."""
        watched = self.optimizer if self._is_live else self.settings.optimizer
        if not isinstance(watched, mx.optimizer.Optimizer):
            return
        if self._gradients.rescale is not None:
            self._gradients.rescale = watched.rescale_grad
        if watched is not self.optimizer and watched.lr_scheduler is None:
            self.optimizer.lr = watched.lr
