"""Any schedule as a scheduler that MXNet's own optimizers call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.train.schedules.schedule import Schedule


class MXNetScheduler(mx.lr_scheduler.LRScheduler):  # type: ignore[misc]
    """A schedule to hand to an MXNet optimizer or a Gluon Trainer, as its `lr_scheduler`.

    MXNet asks with 1 for the rate of the first update, and with 0 before there was any; it may ask
    again, and for earlier ones. Copies and pickles have the state of a schedule that has one. An
    optimizer with a rate of its own must have the schedule's (`learning_rate=scheduler.base_lr`):
    MXNet would set `base_lr` to it, and Adam and others come with a rate of their own.

    >>> from densefit.train.schedules import Linear
    >>> scheduler = MXNetScheduler(Linear(0.1), total=100)
    >>> optimizer = mx.optimizer.SGD(lr_scheduler=scheduler)
    >>> scheduler(1), scheduler(51), scheduler(1000)
    (0.1, 0.05, 0.0)

    Args:
        schedule: any.
        total: updates of the whole training; None if it is not known.
        updates_per_epoch: None if it is not known.

    Attributes:
        resolved: the schedule as a function of the updates done; `resolved.observe(scores)` tells
            one that follows scores of a validation.

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
        """The rate of the `num_update`-th update, from 1."""
        return self.resolved(max(num_update - 1, 0))

    @property
    def base_lr(self) -> float:
        """The schedule's highest rate.

        Raises:
            ConfigError: it is set to another one, as an optimizer does that has a rate of its own.
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
        own = {key: value for key, value in self.__dict__.items() if key != "resolved"}
        return {**own, "state": self.resolved.state_dict()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        own = dict(state)
        standing = own.pop("state")
        self.__dict__.update(own)
        schedule, total, updates_per_epoch = self._made_of
        self.resolved = schedule.resolve(total, updates_per_epoch)
        self.resolved.load_state_dict(standing)


def as_mxnet_scheduler(
    schedule: Schedule, total: int | None = None, updates_per_epoch: int | None = None
) -> MXNetScheduler:
    """The rates of a schedule for an MXNet optimizer or a Gluon Trainer, without `fit`.

    Args:
        schedule: any.
        total: updates of the whole training; None if it is not known.
        updates_per_epoch: None if it is not known.

    Returns:
        What goes into an optimizer as `lr_scheduler`, see there.

    Raises:
        ConfigError: as in `schedule.resolve`.
    """
    return MXNetScheduler(schedule, total, updates_per_epoch)
