"""Source of the learning rate: a schedule or the optimizer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from densefit.engine.settings import OptimizerSettings
from densefit.errors import ConfigError
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Resolved, Schedule
from densefit.train.schedules.deferred import Deferred

_log = logging.getLogger("densefit")


def source_of_rate(
    schedule: Schedule | None,
    optimizer: OptimizerSettings,
    total: int | None,
    updates_per_epoch: int | None,
) -> Resolved | Deferred | None:
    """Return the learning rate by updates done; None if the optimizer sets it.

    Two sources of the rate are an error; MXNet silently ignores one of them.

    Args:
        schedule: argument of `fit`.
        optimizer: optimizer of the training.
        total: number of updates of the training; None if unknown.
        updates_per_epoch: number of updates per epoch; None if unknown.

    Raises:
        ConfigError: two sources, or a schedule that does not fit the training's length.
    """
    scheduler, base_rate = _scheduler_of(optimizer), optimizer.settings.get("learning_rate")
    sources = {
        "schedule": schedule,
        "lr_scheduler of the optimizer": scheduler,
        "learning_rate of the optimizer": base_rate,
    }
    present = {name: source for name, source in sources.items() if source is not None}
    if len(present) > 1 and schedule is None:  # for MXNet the rate is the scheduler's base
        warn_base_rate(scheduler, base_rate)
    elif len(present) > 1:
        raise ConfigError(
            "The learning rate is given twice",
            expected="one source of it",
            received=" and ".join(f"{name} {source}" for name, source in present.items()),
            fix="schedule=df.Cosine(lr=...) needs no other; an lr_scheduler has its base_lr",
        )
    if schedule is None:
        return None
    if updates_per_epoch is None:
        return Deferred(schedule, total)
    return schedule.resolve(total, updates_per_epoch)


def check_schedule(
    schedule: Schedule | None, validation: Any, begin_epoch: int, updates_per_epoch: int | None
) -> None:
    """Raise ConfigError if a schedule lacks scores to follow, or the length of an epoch.

    Args:
        schedule: argument of `fit`.
        validation: validation data.
        begin_epoch: number of the first epoch.
        updates_per_epoch: number of updates per epoch; None if unknown.
    """
    if schedule is None:
        return
    if begin_epoch and updates_per_epoch is None:
        raise ConfigError(
            "Where the schedule goes on from is not known: the train data do not tell how many "
            "updates an epoch has",
            received=f"begin_epoch={begin_epoch}, {schedule}",
            fix="fit(..., updates_per_epoch=...)",
        )
    if schedule.scored and validation is None:
        raise ConfigError(
            "The schedule follows a validation score, and there are no validation data",
            received=schedule,
            fix="fit(..., validation=...), or another schedule",
        )


def check_rollback(guard: Guard, rate: Any, optimizer: OptimizerSettings) -> None:
    """Raise ConfigError if rollbacks are to lower a rate that only the optimizer knows.

    Args:
        guard: reaction to values that are not finite.
        rate: resolved schedule; None for none.
        optimizer: optimizer of the training.
    """
    scheduler = _scheduler_of(optimizer)
    if guard.policy == "rollback" and rate is None and scheduler is not None:
        raise ConfigError(
            "A rollback goes on at a lower rate, and MXNet's lr_scheduler leaves none to lower",
            received=f"lr_scheduler={type(scheduler).__name__}, no schedule",
            fix="fit(..., schedule=...), or another policy for what is not finite",
        )


def warn_base_rate(scheduler: Any, rate: Any) -> None:
    """Warn if MXNet ignores the learning rate that is given beside an lr_scheduler.

    MXNet sets the scheduler's `base_lr`; its cosine and polynomial decays and warm-ups use the
    rate from the scheduler's construction instead.
    """
    base = getattr(scheduler, "base_lr_orig", None)
    if base is None and getattr(scheduler, "warmup_steps", None):
        base = getattr(scheduler, "warmup_final_lr", None)
    if base is not None and base != rate:
        _log.warning(
            "MXNet's %s computes from base_lr=%g, with which it was made, and not from "
            "learning_rate=%g: as in Module.fit, %g is what trains. To begin with %g: %s(..., "
            "base_lr=%g)",
            type(scheduler).__name__,
            base,
            rate,
            base,
            rate,
            type(scheduler).__name__,
            rate,
        )


def warn_kept_optimizer(model_optimizer: Any, optimizer: Any, settings: Mapping[str, Any]) -> None:
    """Warn that a model continues with its own optimizer, although another one was requested.

    Args:
        model_optimizer: optimizer of the model.
        optimizer: argument of `fit`.
        settings: `optimizer_params` of `fit`.
    """
    name = optimizer if isinstance(optimizer, str) else type(optimizer).__name__
    is_same = name.lower() == type(model_optimizer).__name__.lower()
    for key, value in settings.items():
        current = getattr(model_optimizer, "lr" if key == "learning_rate" else key, value)
        is_same = is_same and (current == value or key == "lr_scheduler")
    if not is_same:
        _log.warning(
            "The Module has an optimizer already, and goes on with it, as in Module.fit: %s at a "
            "rate of %g. What this call says of the optimizer (%s, %s) is not used; a new Module "
            "begins with it",
            type(model_optimizer).__name__,
            model_optimizer.learning_rate,
            name,
            dict(settings),
        )


def _scheduler_of(optimizer: OptimizerSettings) -> Any:
    """Return the optimizer's lr_scheduler; None if it has none."""
    scheduler = getattr(optimizer.optimizer, "lr_scheduler", None)
    return scheduler or optimizer.settings.get("lr_scheduler")
