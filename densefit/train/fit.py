"""The loop: forward, backward, update, metrics, callbacks, validation, save - top to bottom."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.checkpoint import store
from densefit.checkpoint.saver import Saver, check_unmixed
from densefit.duration import DurationLike
from densefit.errors import ConfigError, TrainingDiverged, located
from densefit.metrics import Metric
from densefit.model.route import Route
from densefit.score import Scorer, collect
from densefit.train.cadence import Cadence
from densefit.train.ema import EMA, as_ema
from densefit.train.feed import Feeder
from densefit.train.groups import Groups
from densefit.train.guard import Guard
from densefit.train.history import History
from densefit.train.learner import Learner
from densefit.train.schedules import Schedule
from densefit.train.signals import Signals, TrainingInterrupted
from densefit.train.start import (
    as_network,
    check_plan,
    check_scored,
    seed_all,
    seed_mxnet,
    source_of_rate,
)
from densefit.train.step import Step, check_step


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
    accumulate: int = 1,
    clip_norm: float | None = None,
    nonfinite: str | Guard = "raise",
    groups: Groups | None = None,
    freeze: Sequence[str] = (),
    ema: float | EMA | None = None,
    initializer: Any = None,
    seed: int = 0,
    devices: Sequence[Any] | None = None,
) -> History:
    """Train a network.

    Args:
        network: a Network, or an MXNet Symbol with `heads` as its routes.
        train: a densefit Loader or any `mx.io.DataIter`; it is reset before every epoch.
        heads: name -> Route, for a Symbol.
        validation: like `train`, and another object; scored exactly, see `score`.
        validate_every: "1ep", "500st"...; the end of training is always validated.
        epochs: the length in epochs, or
        updates: in optimizer updates: one of the two. Nothing is read beyond the last one; where
            `train` has no known length, the epoch of the last update thus counts as unfinished.
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer` (of which a copy is used: every
            fit begins with a new optimizer).
        optimizer_params: of an optimizer given by name (`{"momentum": 0.9, "wd": 1e-4}`).
        schedule: learning rate by updates done; by default the optimizer's own.
        callbacks: run in list order.
        checkpoint: a directory, or a Saver with a cadence and policy of its own. Written after
            validation, atomically.
        resume: "auto" (the newest checkpoint of the directory, if there is one), a path, or
            "none", for which the directory must hold no checkpoints yet. It continues exactly, in
            mid-epoch too, if the data do: a densefit Loader, or an iterator that does not shuffle.
        accumulate: micro-batches an update: k of them train as one batch of k times the size,
            BatchNorm aside, in the memory of one. The last update of an epoch may have fewer.
        clip_norm: the largest norm of the gradient of the mean loss; a longer one is scaled down
            to it. (By value: `optimizer_params={"clip_gradient": ...}`.)
        nonfinite: what happens when a loss or a gradient is nan or infinite, before it does harm:
            "raise", "skip" the update, or "rollback" to the newest checkpoint at a lower rate; a
            Guard says more.
        groups: pattern of parameter names -> {"lr": factor, "wd": factor} on rate and decay, e.g.
            {"resnet18_*": {"lr": 0.1}, "*_gamma": {"wd": 0}}; where several match, later ones win.
        freeze: patterns of parameters that are not trained; a BatchNorm layer whose gamma is
            frozen keeps its statistics too.
        ema: decay of a moving average of the weights (0.999), or an EMA. The averages are what is
            scored, saved as the model and left in the network.
        initializer: for parameters that the network has no value for yet.
        seed: of python, numpy and MXNet.
        devices: MXNet contexts; a batch is split among them. With several, losses are sums over
            samples (normalization="null"), and each batch has samples for all of them.

    Returns:
        A History.

    Raises:
        BindError: labels missing, extra, misnamed or misshaped; an unknown output: before the
            first update, naming the head.
        DataError: no batch, or a broken sample.
        ConfigError: contradictory settings.
        CheckpointError: the directory holds another training's checkpoints, or a broken one.
        TrainingDiverged: a head's loss or the gradient is not finite (found before the update),
            or a parameter is not (found before a validation, a save, or the end).
        TrainingInterrupted: SIGINT or SIGTERM came; the update was finished and a checkpoint
            written. A KeyboardInterrupt.
    """
    # Prepare: what can be found wrong without running the network is found here.
    check_plan(epochs, updates, train, validation)
    check_step(accumulate, clip_norm)
    seed_all(seed)
    network = as_network(network, heads)
    wires = network.wires
    feeder = Feeder(train, list(wires.values()), "train")
    guard = nonfinite if isinstance(nonfinite, Guard) else Guard(nonfinite)
    per_epoch = None if feeder.length is None else -(-feeder.length // accumulate)
    total = updates if epochs is None or per_epoch is None else epochs * per_epoch
    settings = dict(optimizer_params or {})
    if schedule is not None:
        schedule = schedule.judged_by({n: wire.metrics("evaluate") for n, wire in wires.items()})
        check_scored(schedule, validation)
    rate = source_of_rate(schedule, optimizer, settings, total, per_epoch)
    validating = Cadence(validate_every, per_epoch, total, "validate_every")
    saver = checkpoint if isinstance(checkpoint, Saver) or checkpoint is None else Saver(checkpoint)
    saving = Cadence(saver.every if saver else 0, per_epoch, total, "Saver(every=...)")
    if saver is None and str(resume) not in ("none", "auto"):
        raise ConfigError("To resume, say where checkpoints are", fix="checkpoint=DIR")
    if saver is not None:
        check_unmixed(saver.directory, resume)
    judges: dict[str, list[Metric]] = {n: wire.metrics("train") for n, wire in wires.items()}
    collect(judges)  # names that clash
    state = TrainState(
        network,
        epochs=epochs,
        updates=total,
        updates_per_epoch=per_epoch,
        batch_size=feeder.batch_size,
        accumulate=accumulate,
        train=lambda: collect(judges) if state.samples else {},
    )
    history, control = History(network), Control()
    learner = Learner(network, devices)

    def finished() -> bool:
        planned, done = (epochs, state.epoch) if updates is None else (updates, state.update)
        return done >= (planned or 0) or control.stop_reason is not None

    def validate() -> None:
        control.validation_requested = False
        if scorer is None or state.validated == state.update:
            return
        learner.check_finite()
        state.validation = history.last_validation = scorer.run()
        state.validated = state.update
        if rate is not None:
            rate.observe(state.validation)
        for callback in callbacks:
            callback.validated(state, control)

    def save() -> str | None:
        control.save_requested = False
        if saver is None:
            return None
        learner.check_finite()  # the last good checkpoint stays
        path = str(saver.save(learner, state, history, callbacks, judges, rate))
        for callback in callbacks:
            callback.saved(state, control, path)
        return path

    def roll_back(error: TrainingDiverged) -> None:
        if saver is None or state.refused > guard.limit or not store.names(saver.directory):
            raise error
        refused = state.refused
        saver.resume("auto", learner, state, history, callbacks, judges, rate)
        state.refused = refused
        for callback in callbacks:
            callback.rolled_back(state, control)

    error: BaseException | None = None
    begun: list[Callback] = []
    signals = Signals()
    try:
        learner.bind(feeder, initializer, accumulate, freeze, as_ema(ema))
        scorer = None if validation is None else Scorer(learner, validation, where="validation")
        own = learner.start_optimizer(optimizer, settings, feeder.batch_size, groups)
        step = Step(learner, wires, judges, accumulate, clip_norm, guard)
        if saver is not None:
            saver.resume(resume, learner, state, history, callbacks, judges, rate)
        signals.__enter__()
        started = time.perf_counter() - state.seconds
        for callback in callbacks:
            begun.append(callback)
            callback.fit_started(state, control)

        while not finished():
            epoch_started = time.perf_counter() - state.epoch_seconds
            if not state.batch:  # else a resume in mid-epoch, which passes over what was done
                state.samples = 0
                for metric in (metric for metrics in judges.values() for metric in metrics):
                    metric.reset()
            seed_mxnet(seed, state.epoch)
            for callback in callbacks:
                callback.epoch_started(state, control)

            whole = not finished()  # whether the epoch runs to its end; a callback may stop it
            again = False  # whether training went back to a checkpoint
            batches = feeder.batches(state.epoch, state.batch * accumulate) if whole else iter(())
            while True:
                if learner.random:
                    seed_mxnet(seed, state.epoch, state.batch + 1)
                lr = None if rate is None else rate(state.update) * guard.eased(state.refused)
                with located(f"update {state.update + 1}"):
                    taken = step(batches, lr, state.update)
                if taken is None:
                    break
                if taken.refused is not None:
                    state.refused += 1
                    if guard.policy == "rollback":
                        roll_back(taken.refused)
                        again = True
                        break
                state.update += 1
                state.batch += 1
                state.samples += taken.samples
                state.lr = own.learning_rate if lr is None else lr
                state.gradient_norm = taken.gradient_norm
                now = time.perf_counter()
                state.seconds, state.epoch_seconds = now - started, now - epoch_started
                for callback in callbacks:
                    callback.update_ended(state, control)
                if control.validation_requested or validating.after_update(state.update):
                    validate()
                if control.save_requested or saving.after_update(state.update):
                    save()
                if signals.received is not None:
                    raise TrainingInterrupted(signals.received, save())
                if finished():  # not one batch is read that is not trained on
                    whole = state.batch == per_epoch
                    break
            if again:
                continue

            for callback in callbacks:
                callback.epoch_ended(state, control)
            record: dict[str, Any] = {
                "epoch": state.epoch,
                "update": state.update,
                "lr": state.lr,
                "samples": state.samples,
                "train": state.train(),
                "validation": {},
            }
            if whole:
                state.epoch, state.batch = state.epoch + 1, 0
            if control.validation_requested or finished() or validating.after_epoch(state.epoch):
                validate()
            if state.validated == state.update:
                record["validation"] = dict(state.validation)
            record["seconds"] = time.perf_counter() - epoch_started
            state.epoch_seconds = 0.0
            history.epochs.append(record)
            history.update = state.update
            if control.save_requested or finished() or saving.after_epoch(state.epoch):
                save()
        learner.check_finite()
        history.update, history.stop_reason = state.update, control.stop_reason
        return history
    except BaseException as raised:
        error = raised
        raise
    finally:
        signals.__exit__(None, None, None)
        try:
            learner.release()
        finally:
            for callback in begun:
                callback.fit_ended(state, error)
