"""Adapter of a schedule to `mx.lr_scheduler.LRScheduler`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.train.schedules.schedule import Schedule


class MXNetScheduler(mx.lr_scheduler.LRScheduler):  # type: ignore[misc]
    """Schedule for an MXNet optimizer or a Gluon Trainer, as its `lr_scheduler`.

    MXNet numbers updates from 1, calls with 0 before the first one, and may call repeatedly and
    for earlier updates. Copies and pickles include the state of a stateful schedule. The optimizer
    needs `learning_rate=scheduler.base_lr`: MXNet overwrites `base_lr` by the optimizer's rate,
    for which Adam and others have a default.

    >>> from densefit.train.schedules import Linear
    >>> scheduler = MXNetScheduler(Linear(0.1), total=100)
    >>> optimizer = mx.optimizer.SGD(lr_scheduler=scheduler)
    >>> scheduler(1), scheduler(51), scheduler(1000)
    (0.1, 0.05, 0.0)

    Args:
        schedule: any schedule.
        total: number of updates of the training; None if unknown.
        updates_per_epoch: number of updates per epoch; None if unknown.

    Attributes:
        resolved: the schedule as a function of the updates done; `resolved.observe(scores)`
            passes validation scores to a schedule like Plateau.

    Raises:
        ConfigError: as in `schedule.resolve`.
    """

    def __init__(
        self, schedule: Schedule, total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        self._made_of = (schedule, total, updates_per_epoch)
        self.resolved = schedule.resolve(total, updates_per_epoch)
        super().__init__(base_lr=schedule.lr)

    def __call__(self, num_update: int) -> float:
        """Return the learning rate of update `num_update`, from 1."""
        return self.resolved(max(num_update - 1, 0))

    @property
    def base_lr(self) -> float:
        """Return the schedule's peak learning rate.

        Raises:
            ConfigError: when an optimizer sets another rate.
        """
        return self._made_of[0].lr

    @base_lr.setter
    def base_lr(self, rate: float) -> None:
        if rate != self.base_lr:
            raise ConfigError(
                "The learning rate is given twice: MXNet would overwrite the schedule's",
                expected=f"that of {self._made_of[0]}",
                received=f"learning_rate={rate}, perhaps the optimizer's default",
                where="lr_scheduler",
                fix=f"give the optimizer learning_rate={self.base_lr} too",
            )

    def __getstate__(self) -> Mapping[str, Any]:
        attributes = {key: value for key, value in self.__dict__.items() if key != "resolved"}
        return {**attributes, "state": self.resolved.state_dict()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        attributes = dict(state)
        standing = attributes.pop("state")
        self.__dict__.update(attributes)
        schedule, total, updates_per_epoch = self._made_of
        self.resolved = schedule.resolve(total, updates_per_epoch)
        self.resolved.load_state_dict(standing)


def as_mxnet_scheduler(
    schedule: Schedule, total: int | None = None, updates_per_epoch: int | None = None
) -> MXNetScheduler:
    """Convert a schedule into an `lr_scheduler` of an MXNet optimizer or a Gluon Trainer.

    Args:
        schedule: any schedule.
        total: number of updates of the training; None if unknown.
        updates_per_epoch: number of updates per epoch; None if unknown.

    Returns:
        The optimizer's `lr_scheduler`, see `MXNetScheduler`.

    Raises:
        ConfigError: as in `schedule.resolve`.
    """
    return MXNetScheduler(schedule, total, updates_per_epoch)
