"""What `fit` settles before it begins: the network, the seeds, the source of the rate."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.callbacks.callback import TrainState
from densefit.checkpoint.training.identity import told
from densefit.data.fingerprint import fingerprint
from densefit.data.stable_repr import described, public_settings
from densefit.engine.mxnet.learner import Learner
from densefit.errors import ConfigError
from densefit.evaluation.multi_scorer import MultiScorer, scorer_of_labelled
from densefit.evaluation.scorer import Scorer
from densefit.model.heads.adapter import Wire
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Resolved, Schedule
from densefit.train.schedules.awaited import Awaited

_log = logging.getLogger("densefit")


def check_plan(epochs: int | None, updates: int | None, train: Any, validation: Any) -> None:
    """Raise ConfigError if the length is not told once, or two iterators are one."""
    if (epochs is None) == (updates is None):
        raise ConfigError(
            "A training's length is given in epochs or in updates",
            expected="one of the two",
            received=f"epochs={epochs}, updates={updates}",
        )
    several = validation.values() if isinstance(validation, Mapping) else [validation]
    # What is iterated over anew each time may be both.
    if any(one is train and hasattr(train, "provide_data") for one in several):
        raise ConfigError(
            "Training and validation data are the same iterator",
            expected="two: a validation would set the training back to the epoch's start",
            fix="make a second one of the same dataset, without shuffling and random transforms",
        )


def check_scored(schedule: Schedule, validation: Any) -> None:
    """Raise ConfigError if a schedule follows a score and nothing is scored."""
    if schedule.scored and validation is None:
        raise ConfigError(
            "The schedule follows a validation score, and there are no validation data",
            received=schedule,
            fix="fit(..., validation=...), or another schedule",
        )


def scorer_of(
    learner: Learner, validation: Any, wires: Mapping[str, Wire]
) -> Scorer | MultiScorer | None:
    """What scores the validation data: one iterator, or several by name; None for none.

    Args:
        learner: of the network.
        validation: its data.
        wires: more wires to score, by name.
    """
    if validation is None:
        return None
    if isinstance(validation, Mapping):
        return MultiScorer(learner, validation, where="validation", wires=wires)
    return scorer_of_labelled(learner, validation, "validation", wires)


def check_eased(guard: Guard, rate: Any, optimizer: Any, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError if rollbacks are to lower a rate that only the optimizer knows."""
    own = getattr(optimizer, "lr_scheduler", None) or settings.get("lr_scheduler")
    if guard.policy == "rollback" and rate is None and own is not None:
        raise ConfigError(
            "A rollback goes on at a lower rate, and MXNet's lr_scheduler leaves none to lower",
            received=f"lr_scheduler={type(own).__name__}, no schedule",
            fix="fit(..., schedule=...), or another policy for what is not finite",
        )


def seed_all(seed: int) -> None:
    """Seed python, numpy and MXNet."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    mx.random.seed(seed)


def seed_mxnet(seed: int, epoch: int, batch: int = 0) -> None:
    """Seed MXNet's own randomness (dropout) for an update, or for an epoch.

    Its state cannot be read, so a resume could not continue it; seeded anew, it need not be. That
    takes a millisecond: networks that draw nothing at random are seeded for each epoch only.
    """
    words = np.random.SeedSequence((seed % 2**32, epoch, batch)).generate_state(1)
    mx.random.seed(int(words[0] >> 1))


def identity(
    state: TrainState,
    train: Any,
    seed: int,
    validation: Any = None,
    as_before: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """What a training is made of, so that a resume can tell what differs.

    Args:
        state: before the first update.
        train: the training data; only a densefit Loader tells what it reads, and in which order.
        seed: as in `fit`.
        validation: its data, one or several by name; a Loader tells.
        as_before: as a checkpoint of an earlier version has it.
        settings: others of `fit` that decide what an update does, or what a score means.
    """
    network, schedule = state.network, settings.pop("schedule")
    backbone = getattr(network, "backbone", None)
    several = validation if isinstance(validation, Mapping) else {"": validation}
    scored = {name: _scored(data) for name, data in several.items()}
    return {
        "heads": {name: _described(wire, as_before) for name, wire in network.wires.items()},
        "labels": {name: list(wire.labels) for name, wire in network.wires.items()},
        "backbone": None
        if backbone is None
        else f"{described(backbone, 1)}, output_stride {network.output_stride}",
        "batch_size": state.batch_size,
        "accumulate": state.accumulate,
        "updates_per_epoch": state.updates_per_epoch,
        "seed": seed,
        "data": _fingerprint(train),
        "loader": _order(train, as_before),
        "validation": ", ".join(f"{name} {text}".strip() for name, text in scored.items() if text)
        or None,
        # A resolved schedule is one over a number of updates.
        "schedule": None if schedule is None else f"{schedule} over {state.updates} updates",
        **{name: described(value, as_before=as_before) for name, value in settings.items()},
    }


def _order(train: Any, as_before: bool) -> str | None:
    of_loaders = getattr(train, "identity_as_before" if as_before else "identity", None)
    return None if of_loaders is None else str(of_loaders())


def _fingerprint(data: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = getattr(data, "fingerprint", None)  # others ask for it, too
    dataset: Any = getattr(data, "dataset", None)
    return fingerprint(dataset) if found is None and hasattr(dataset, "id_of") else found


def _scored(data: Any) -> str | None:
    """What validation data say: which samples, and how they come to the network."""
    found = _fingerprint(data)
    if not found:
        return None
    return f"{told(found)}, {described(getattr(data, 'transform', None))}"


def _described(wire: Wire, as_before: bool) -> str:
    head = getattr(wire, "head", None)
    if head is None:
        return f"outputs {', '.join(wire.outputs('train'))}"
    if head.spec is not None:
        return f"{head.spec['task']} {described(head.spec['settings'], as_before=as_before)}"
    # Made by its class and by no name: what can be seen of its settings.
    public = public_settings(head)
    for name in ("spec", "learned_names"):
        public.pop(name, None)
    return type(head).__name__ + ("" if as_before else described(public))


def tell_done(state: TrainState, path: object) -> None:
    """Log that nothing is left to train after a resume.

    Args:
        state: as the checkpoint has brought it.
        path: of the checkpoint.
    """
    for unit, planned, done in (
        ("epochs", state.epochs, state.epoch),
        ("updates", state.updates if state.epochs is None else None, state.update),
    ):
        if planned is not None and done >= planned and not state.pending:
            _log.warning(
                "%s: %d %s are done and %s=%d are planned: nothing is left to train. To go on, plan"
                " more; to train anew, choose another directory and no resume",
                *(path, done, unit, unit, planned),
            )


def as_initializer(initializer: Any) -> Any:
    """An initializer, which may be given by MXNet's name ("xavier").

    Raises:
        ConfigError: the name is unknown, or it is nothing that initialises.
    """
    if isinstance(initializer, str):
        try:
            return mx.init.create(initializer)
        except (KeyError, AssertionError, TypeError, ValueError) as error:
            raise ConfigError(
                f"Unknown initializer {initializer!r}",
                expected="MXNet's name, e.g. 'xavier', or an object: mx.init.Xavier(...)",
            ) from error
    if initializer is not None and not callable(initializer):
        raise ConfigError("This is no initializer", received=repr(initializer)[:200])
    return initializer


STORES = (
    *("local", "device", "nccl", "local_allreduce_cpu", "local_allreduce_device"),
    *("local_update_cpu", "local_update_device"),
)


#: What other loops call the arguments of `fit`.
_ELSEWHERE = {
    "num_epoch": "epochs",
    "eval_data": "validation",
    "train_data": "train",
    "force_init": "arg_params (given parameters count without it)",
    "force_rebind": "nothing: a training binds for itself",
    "lr": "optimizer_params={'learning_rate': ...}",
    "learning_rate": "optimizer_params={'learning_rate': ...}",
    "context": "devices",
    "ctx": "devices",
}


def check_no_others(others: Mapping[str, Any]) -> None:
    """Raise ConfigError for arguments that `fit` does not have."""
    for name in others:
        raise ConfigError(
            f"fit has no argument {name!r}",
            fix=f"here it is {_ELSEWHERE[name]}; docs/from-module-fit.md has all of Module.fit's"
            if name in _ELSEWHERE
            else "help(df.fit) has its arguments",
        )


def check_kvstore(kvstore: Any) -> None:
    """Raise ConfigError for a store of parameters that is not this process's own."""
    kind = getattr(kvstore, "type", kvstore)
    if kind is not None and kind not in STORES:
        raise ConfigError(
            "Gradients are not exchanged between processes"
            if str(kind).startswith("dist")
            else "This is no kvstore",
            expected="kvstore='local', 'device' or None",
            received=repr(kind),
            where="kvstore",
            fix="several devices of one machine: devices=[mx.gpu(0), mx.gpu(1)]",
        )


def check_begin(begin_epoch: int, epochs: int | None) -> None:
    """Raise ConfigError unless a training of so many epochs can begin with an epoch."""
    if begin_epoch and (epochs is None or not 0 < begin_epoch < epochs):
        raise ConfigError(
            "The training cannot begin with this epoch",
            expected="0 <= begin_epoch < epochs: both count from the first training's start",
            received=f"begin_epoch={begin_epoch!r}, epochs={epochs!r}",
        )


def check_begun(begin_epoch: int, schedule: Schedule | None, per_epoch: int | None) -> None:
    """Raise ConfigError if where a schedule goes on from cannot be known."""
    if begin_epoch and schedule is not None and per_epoch is None:
        raise ConfigError(
            "Where the schedule goes on from is not known: the train data do not tell how many "
            "updates an epoch has",
            received=f"begin_epoch={begin_epoch}, {schedule}",
            fix="fit(..., updates_per_epoch=...)",
        )


def tell_kept_optimizer(kept: Any, optimizer: Any, settings: Mapping[str, Any]) -> None:
    """Log that a model goes on with its own optimizer, where another one was asked for.

    Args:
        kept: of the model.
        optimizer: as `fit` was given it.
        settings: of an optimizer given by name.
    """
    name = optimizer if isinstance(optimizer, str) else type(optimizer).__name__
    same = name.lower() == type(kept).__name__.lower()
    for key, value in settings.items():
        known = getattr(kept, "lr" if key == "learning_rate" else key, value)
        same = same and (known == value or key == "lr_scheduler")
    if not same:
        _log.warning(
            "The Module has an optimizer already, and goes on with it, as in Module.fit: %s at a "
            "rate of %g. What this call says of the optimizer (%s, %s) is not used; a new Module "
            "begins with it",
            type(kept).__name__,
            kept.learning_rate,
            name,
            dict(settings),
        )


def tell_base_rate(scheduler: Any, rate: float) -> None:
    """Log where a learning rate beside an lr_scheduler is not what MXNet trains with.

    MXNet sets the scheduler's `base_lr`; its cosine and polynomial decays compute from what they
    were made with, and a warm-up rises to that.
    """
    own = getattr(scheduler, "base_lr_orig", None)
    if own is None and getattr(scheduler, "warmup_steps", None):
        own = getattr(scheduler, "warmup_final_lr", None)
    if own is not None and own != rate:
        _log.warning(
            "MXNet's %s computes from base_lr=%g, with which it was made, and not from "
            "learning_rate=%g: as in Module.fit, %g is what trains. To begin with %g: %s(..., "
            "base_lr=%g)",
            type(scheduler).__name__,
            own,
            rate,
            own,
            rate,
            type(scheduler).__name__,
            rate,
        )


def tell_unused_rate(
    optimizer: Any,
    schedule: Schedule | None,
    settings: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, float]],
) -> None:
    """Log that an optimizer has no use for a learning rate that somebody has given.

    Args:
        optimizer: in use.
        schedule: as `fit` was given it.
        settings: of an optimizer given by name.
        groups: as `fit` was given them.
    """
    rates = [schedule, settings.get("learning_rate"), *(own.get("lr") for own in groups.values())]
    if isinstance(optimizer, mx.optimizer.AdaDelta) and any(rate is not None for rate in rates):
        _log.warning(
            "MXNet's AdaDelta has no learning rate: no schedule, rate or lr of a group changes "
            "what it does, and it decays weights by wd an update. To hold some still: freeze=[...]"
        )


def source_of_rate(
    schedule: Schedule | None,
    optimizer: Any,
    settings: Mapping[str, Any],
    total: int | None,
    updates_per_epoch: int | None,
) -> Resolved | Awaited | None:
    """The learning rate by updates done; None leaves it to the optimizer's own.

    There is one source of the rate: two are an error, where MXNet lets one of them win silently.

    Raises:
        ConfigError: two sources, or a schedule that does not fit the training's length.
    """
    scheduler = getattr(optimizer, "lr_scheduler", None) or settings.get("lr_scheduler")
    sources = {
        "schedule": schedule,
        "lr_scheduler of the optimizer": scheduler,
        "learning_rate of the optimizer": settings.get("learning_rate"),
    }
    given = {name: source for name, source in sources.items() if source is not None}
    if len(given) > 1 and schedule is None:  # for MXNet the rate is the scheduler's base
        tell_base_rate(scheduler, settings["learning_rate"])
    elif len(given) > 1:
        raise ConfigError(
            "The learning rate is given twice",
            expected="one source of it",
            received=" and ".join(f"{name} {source}" for name, source in given.items()),
            fix="schedule=df.Cosine(lr=...) needs no other; an lr_scheduler has its base_lr",
        )
    if schedule is None:
        return None
    if updates_per_epoch is None:
        return Awaited(schedule, total)
    return schedule.resolve(total, updates_per_epoch)
