"""The loop: forward, backward, update, metrics, callbacks, validation, save - top to bottom."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.checkpoint.saver import Saver
from densefit.duration import Duration, DurationLike
from densefit.errors import ConfigError
from densefit.metrics import Metric
from densefit.model.network import Network
from densefit.model.route import Route
from densefit.score import collect, score_with
from densefit.train.feed import Feeder
from densefit.train.history import History
from densefit.train.learner import Learner
from densefit.train.schedules import Constant, Schedule


def fit(
    network: Any,
    train: Any,
    *,
    heads: Mapping[str, Route] | None = None,
    validation: Any = None,
    validate_every: DurationLike = "1ep",
    epochs: int | None = None,
    updates: int | None = None,
    optimizer: Any = "sgd",
    optimizer_params: Mapping[str, Any] | None = None,
    schedule: Schedule | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | Path | Saver | None = None,
    resume: str | Path = "none",
    initializer: Any = None,
    seed: int = 0,
    devices: Sequence[Any] | None = None,
) -> History:
    """Train a network.

    Args:
        network: a Network, or an MXNet Symbol with `heads` as its routes.
        train: a densefit Loader or any `mx.io.DataIter`; it is reset before every epoch.
        heads: name -> Route, for a Symbol.
        validation: like `train`; scored exactly, see `score`.
        validate_every: "1ep", "500st"...; the end of training is always validated.
        epochs, updates: the length, one of the two.
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`.
        optimizer_params: of an optimizer given by name (`{"momentum": 0.9, "wd": 1e-4}`).
        schedule: learning rate by updates done; by default the optimizer's own, constant.
        callbacks: run in list order.
        checkpoint: a directory, or a Saver with a cadence and policy of its own. Written after
            the epoch's validation, atomically.
        resume: "auto" (the newest checkpoint of the directory, if there is one), a path, or
            "none".
        initializer: for parameters that the network has no value for yet.
        seed: of python, numpy and MXNet.
        devices: MXNet contexts; a batch is split among them.

    Returns:
        A History.

    Raises:
        BindError: labels missing, extra, misnamed or misshaped; an unknown output: before the
            first update, naming the head.
        DataError: no batch, or a broken sample.
        ConfigError: contradictory settings.
        TrainingDiverged: a head's loss is not finite.
    """
    # Prepare: everything that can be wrong is found before the first update.
    if (epochs is None) == (updates is None):
        raise ConfigError(
            "A training's length is given in epochs or in updates",
            expected="one of the two",
            received=f"epochs={epochs}, updates={updates}",
        )
    _seed(seed)
    network = _as_network(network, heads)
    wires = network.wires
    feeder = Feeder(train, list(wires.values()), "train")
    per_epoch = len(train) if hasattr(train, "__len__") else None
    total = updates if epochs is None or per_epoch is None else epochs * per_epoch
    learner = Learner(network, devices)
    learner.bind(feeder, initializer)
    rate = _rate(schedule, optimizer, optimizer_params, total, per_epoch)
    made = learner.start_optimizer(optimizer, optimizer_params or {}, feeder.batch_size)
    cadence = Duration.parse(validate_every, where="validate_every")
    saver = checkpoint if isinstance(checkpoint, Saver) or checkpoint is None else Saver(checkpoint)
    history = History(network)
    control = Control()
    judges: dict[str, list[Metric]] = {n: wire.metrics("train") for n, wire in wires.items()}
    state = TrainState(
        network,
        epochs=epochs,
        updates=total,
        updates_per_epoch=per_epoch,
        batch_size=feeder.batch_size,
        train=lambda: collect(judges),
    )
    if saver is not None:
        saver.resume(resume, learner, state, history, callbacks)
    elif str(resume) not in ("none", "auto"):
        raise ConfigError("To resume, say where checkpoints are", fix="checkpoint=DIR")
    started = time.perf_counter() - state.seconds
    skip = state.batch

    def finished() -> bool:
        planned = state.epoch if updates is None else state.update
        return control.stop_reason is not None or planned >= (epochs if updates is None else updates)

    def validate() -> None:
        control.validation_requested = False
        if validation is None or state.validated == state.update:
            return
        state.validated = state.update
        state.validation = history.last_validation = score_with(
            learner, validation, where="validation"
        )
        for callback in callbacks:
            callback.validated(state, control)

    def save() -> None:
        control.save_requested = False
        if saver is not None:
            path = saver.save(learner, state, history, callbacks)
            for callback in callbacks:
                callback.saved(state, control, str(path))

    error: BaseException | None = None
    try:
        for callback in callbacks:
            callback.fit_started(state, control)
        while not finished():
            epoch_started = time.perf_counter()
            state.batch, state.samples = skip, 0  # a resume in mid-epoch skips what was done
            for metric in (metric for metrics in judges.values() for metric in metrics):
                metric.reset()
            for callback in callbacks:
                callback.epoch_started(state, control)

            whole = True  # whether the epoch ran to its end
            for batch in feeder.batches(state.epoch, skip):
                if finished():
                    whole = False
                    break
                lr = None if rate is None else rate(state.update)
                learner.step(batch, lr)
                # Sync point: waits for the forward pass; the backward runs on meanwhile.
                outputs = learner.train_outputs()
                for name, wire in wires.items():
                    if judges[name]:
                        predictions, targets = wire.read("train", outputs, batch)
                        for metric in judges[name]:
                            metric.update(predictions, targets, batch.ids)
                state.update += 1
                state.batch += 1
                state.samples += batch.real
                state.lr = made.learning_rate if lr is None else lr
                state.seconds = time.perf_counter() - started
                for callback in callbacks:
                    callback.update_ended(state, control)
                if control.validation_requested or _due(cadence, state, total):
                    validate()
                if control.save_requested:
                    save()
            skip = 0

            for callback in callbacks:
                callback.epoch_ended(state, control)
            record = {
                "epoch": state.epoch,
                "update": state.update,
                "lr": state.lr,
                "samples": state.samples,
                "train": state.train(),
                "validation": {},
            }
            if whole:
                state.epoch, state.batch = state.epoch + 1, 0
            if finished() or (cadence.unit == "ep" and _epoch_due(cadence, state.epoch)):
                validate()
            if state.validated == state.update:
                record["validation"] = dict(state.validation)
            record["seconds"] = time.perf_counter() - epoch_started
            history.epochs.append(record)
            history.update = state.update
            if saver is not None and (finished() or saver.due(state)):
                save()
        history.update, history.stop_reason = state.update, control.stop_reason
        return history
    except BaseException as raised:
        error = raised
        raise
    finally:
        learner.release()
        for callback in callbacks:
            callback.fit_ended(state, error)


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    mx.random.seed(seed)


def _as_network(network: Any, heads: Mapping[str, Route] | None) -> Network:
    if isinstance(network, Network):
        if heads is not None:
            raise ConfigError("A Network has its heads already", received=f"heads={list(heads)}")
        return network
    if not isinstance(network, mx.sym.Symbol):
        raise ConfigError(
            "fit trains a Network or an MXNet Symbol", received=type(network).__name__
        )
    if not heads:
        raise ConfigError(
            "A Symbol needs routes: which outputs, labels and metrics are a head",
            received=f"heads={heads!r}, outputs {network.list_outputs()}",
            fix="heads={'name': df.Route(outputs=[...], labels=[...], metrics=[...])}",
        )
    return Network(symbol=network, routes=heads)


def _rate(
    schedule: Schedule | None,
    optimizer: Any,
    settings: Mapping[str, Any] | None,
    total: int | None,
    per_epoch: int | None,
) -> Any:
    """The learning rate by updates done; None leaves it to the optimizer's own scheduler.

    There is one source of the rate: two are an error, where MXNet lets one of them win silently.
    """
    theirs = getattr(optimizer, "lr_scheduler", None) or (settings or {}).get("lr_scheduler")
    if schedule is None:
        if theirs is not None:
            return None
        given = getattr(optimizer, "lr", None) or (settings or {}).get("learning_rate", 0.01)
        return Constant(lr=float(given)).resolve(total, per_epoch)
    for name, value in (
        ("lr_scheduler", theirs),
        ("learning_rate", (settings or {}).get("learning_rate")),
    ):
        if value is not None:
            raise ConfigError(
                "The learning rate is given twice",
                received=f"schedule={schedule} and {name}={value} of the optimizer",
                fix=f"leave out {name}: schedule=Cosine(lr=...) is the only source",
            )
    return schedule.resolve(total, per_epoch)


def _due(cadence: Duration, state: TrainState, total: int | None) -> bool:
    """Whether a validation by updates falls on this update."""
    if cadence.unit == "ep" and cadence.value.denominator == 1:
        return False
    every = cadence.resolve(state.updates_per_epoch, total, where="validate_every")
    return every > 0 and state.update % every == 0


def _epoch_due(cadence: Duration, epochs_done: int) -> bool:
    return (
        cadence.value > 0
        and cadence.value.denominator == 1
        and epochs_done % int(cadence.value) == 0
    )
