"""The arguments of `fit`, each checked by itself and of one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from densefit.callbacks.callback import Callback
from densefit.checkpoint.training.saver import Saver
from densefit.duration import DurationLike
from densefit.engine.ema import EMA, as_ema
from densefit.engine.param_groups import Groups
from densefit.errors import ConfigError
from densefit.metrics.core.derived import Derived
from densefit.numeric import real, whole
from densefit.train.affinity.measured_step import as_task_affinity
from densefit.train.balance import Balancer
from densefit.train.distillation.distill import Distill, as_distill
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Schedule
from densefit.train.setup.arguments import (
    as_balance,
    as_callbacks,
    as_derived,
    as_devices,
    as_groups,
    as_guard,
    as_patterns,
    as_resume,
    as_saver,
    as_schedule,
    as_settings,
    check_kvstore,
    check_one_iterator,
)
from densefit.train.setup.restarted import resume_after_restart


@dataclass(frozen=True)
class Settings:
    """Arguments of `fit`, converted and checked, by name.

    Attributes:
        module: arguments of Module.fit that an adapter reads (`eval_metric`, `monitor`...).
    """

    train: Any
    validation: Any
    validate_every: DurationLike
    validation_losses: Any
    derived: Mapping[str, Derived]
    epochs: int | None
    updates: int | None
    updates_per_epoch: int | None
    begin_epoch: int
    optimizer: Any
    optimizer_params: Mapping[str, Any]
    schedule: Schedule | None
    callbacks: list[Callback]
    progress: bool | None
    checkpoint: Saver | None
    resume: str
    accumulate: int
    clip_norm: float | None
    on_nonfinite: Guard
    groups: Groups
    balance: Balancer | None
    distill: Mapping[str, Distill]
    task_affinity: int | str | None
    freeze: list[str]
    unfreeze: DurationLike | None
    label_within: int
    ema: EMA | None
    precision: str
    sync_batchnorm: bool
    initializer: Any
    arg_params: Mapping[str, Any] | None
    aux_params: Mapping[str, Any] | None
    allow_missing: bool
    fixed_param_names: list[str]
    loss: Any
    kvstore: Any
    seed: int
    devices: list[Any] | None
    engine: str | None
    module: Mapping[str, Any]

    @classmethod
    def of(cls, **arguments: Any) -> Settings:
        """Convert and check the arguments of `fit`.

        Raises:
            ConfigError: an argument is of another type or out of range, or two are contradictory.
        """
        settings = cls(
            **{
                name: _CONVERTERS[name](value) if name in _CONVERTERS else value
                for name, value in arguments.items()
            }
        )
        if settings.checkpoint is not None:
            resume = resume_after_restart(settings.resume, settings.checkpoint.directory)
            settings = replace(settings, resume=resume)
        check_one_iterator(settings.train, "train")
        check_one_iterator(settings.validation, "validation")
        check_one_iterator(settings.validation_losses, "validation_losses")
        check_kvstore(settings.kvstore)
        settings._check_length()
        settings._check_two_iterators()
        return settings

    def _check_length(self) -> None:
        """Raise ConfigError unless exactly one of `epochs` and `updates` is given."""
        if (self.epochs is None) == (self.updates is None):
            raise ConfigError(
                "A training's length is given in epochs or in updates",
                expected="one of the two",
                received=f"epochs={self.epochs}, updates={self.updates}",
            )
        if self.begin_epoch and (self.epochs is None or not 0 < self.begin_epoch < self.epochs):
            raise ConfigError(
                "The training cannot begin with this epoch",
                expected="0 <= begin_epoch < epochs: both count from the first training's start",
                received=f"begin_epoch={self.begin_epoch!r}, epochs={self.epochs!r}",
            )

    def _check_two_iterators(self) -> None:
        """Raise ConfigError if training and validation data are the same iterator."""
        validation, train = self.validation, self.train
        several = validation.values() if isinstance(validation, Mapping) else [validation]
        # An iterable that restarts at each `iter` may be used for both.
        if any(data is train and hasattr(train, "provide_data") for data in several):
            raise ConfigError(
                "Training and validation data are the same iterator",
                expected="two: a validation would set the training back to the epoch's start",
                fix="make a second one of the same dataset, without shuffling and random "
                "transforms",
            )


def _whole(name: str, least: int | None, is_optional: bool = False) -> Callable[[Any], int | None]:
    """Return the conversion of a whole number to Python's int."""

    def convert(value: Any) -> int | None:
        return None if value is None and is_optional else whole(value, name, least, where="fit")

    return convert


def _clip_norm(value: Any) -> float | None:
    return None if value is None else real(value, "clip_norm", least=1e-30, where="fit")


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "balance": as_balance,
    "distill": as_distill,
    "task_affinity": as_task_affinity,
    "schedule": as_schedule,
    "checkpoint": as_saver,
    "callbacks": as_callbacks,
    "resume": as_resume,
    "devices": as_devices,
    "groups": as_groups,
    "derived": as_derived,
    "freeze": partial(as_patterns, name="freeze"),
    "fixed_param_names": partial(as_patterns, name="fixed_param_names"),
    "optimizer_params": as_settings,
    "on_nonfinite": as_guard,
    "ema": as_ema,
    "epochs": _whole("epochs", 1, is_optional=True),
    "updates": _whole("updates", 1, is_optional=True),
    "updates_per_epoch": _whole("updates_per_epoch", 1, is_optional=True),
    "begin_epoch": _whole("begin_epoch", 0),
    "accumulate": _whole("accumulate", 1),
    "label_within": _whole("label_within", 1),
    "seed": _whole("seed", None),
    "clip_norm": _clip_norm,
}
