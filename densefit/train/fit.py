"""The loop: forward, backward, update, metrics, callbacks, validation, save - top to bottom."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.checkpoint.saver import Saver, check_unmixed
from densefit.duration import DurationLike
from densefit.errors import ConfigError
from densefit.metrics import Metric
from densefit.model.route import Route
from densefit.score import Scorer, collect, take_in
from densefit.train.cadence import Cadence
from densefit.train.feed import Feeder
from densefit.train.history import History
from densefit.train.learner import Learner
from densefit.train.schedules import Schedule
from densefit.train.start import as_network, seed_all, seed_mxnet, source_of_rate


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
            "none", for which the directory must hold no checkpoints yet. From an epoch's end it
            continues exactly, if the data do: a densefit Loader, or an iterator that does not
            shuffle. In the middle of an epoch, the epoch's numbers are those of the rest.
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
        TrainingDiverged: a head's loss is not finite (found at once), or a parameter is not
            (found before a validation, a save, or the end).
    """
    # Prepare: what can be found wrong without running the network is found here.
    if (epochs is None) == (updates is None):
        raise ConfigError(
            "A training's length is given in epochs or in updates",
            expected="one of the two",
            received=f"epochs={epochs}, updates={updates}",
        )
    if validation is train:
        raise ConfigError(
            "Training and validation data are the same iterator",
            expected="two: a validation would set the training back to the epoch's start",
            fix="make a second one of the same dataset, without shuffling and random transforms",
        )
    seed_all(seed)
    network = as_network(network, heads)
    wires = network.wires
    feeder = Feeder(train, list(wires.values()), "train")
    total = updates if epochs is None or feeder.length is None else epochs * feeder.length
    settings = dict(optimizer_params or {})
    rate = source_of_rate(schedule, optimizer, settings, total, feeder.length)
    validating = Cadence(validate_every, feeder.length, total, "validate_every")
    saver = checkpoint if isinstance(checkpoint, Saver) or checkpoint is None else Saver(checkpoint)
    saving = Cadence(saver.every if saver else 0, feeder.length, total, "Saver(every=...)")
    if saver is None and str(resume) not in ("none", "auto"):
        raise ConfigError("To resume, say where checkpoints are", fix="checkpoint=DIR")
    if saver is not None:
        check_unmixed(saver.directory, resume)
    judges: dict[str, list[Metric]] = {n: wire.metrics("train") for n, wire in wires.items()}
    collect(judges)  # names that clash
    read = [name for wire in wires.values() if judges[wire.name] for name in wire.outputs("train")]
    state = TrainState(
        network,
        epochs=epochs,
        updates=total,
        updates_per_epoch=feeder.length,
        batch_size=feeder.batch_size,
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
        for callback in callbacks:
            callback.validated(state, control)

    def save() -> None:
        control.save_requested = False
        if saver is not None:
            learner.check_finite()  # the last good checkpoint stays
            path = saver.save(learner, state, history, callbacks)
            for callback in callbacks:
                callback.saved(state, control, str(path))

    error: BaseException | None = None
    begun: list[Callback] = []
    try:
        learner.bind(feeder, initializer)
        scorer = None if validation is None else Scorer(learner, validation, where="validation")
        own = learner.start_optimizer(optimizer, settings, feeder.batch_size)
        if saver is not None:
            saver.resume(resume, learner, state, history, callbacks)
        started = time.perf_counter() - state.seconds
        skip = state.batch  # a resume in mid-epoch passes over what was done
        for callback in callbacks:
            begun.append(callback)
            callback.fit_started(state, control)

        while not finished():
            epoch_started = time.perf_counter()
            seed_mxnet(seed, state.epoch)
            state.batch, state.samples = skip, 0
            for metric in (metric for metrics in judges.values() for metric in metrics):
                metric.reset()
            for callback in callbacks:
                callback.epoch_started(state, control)

            whole = not finished()  # whether the epoch runs to its end; a callback may stop it
            for batch in feeder.batches(state.epoch, skip) if whole else ():
                lr = None if rate is None else rate(state.update)
                learner.step(batch, lr)
                # Sync point: waits for the forward pass; the backward runs on meanwhile.
                outputs = learner.train_outputs(read)
                take_in(judges, wires, "train", outputs, batch)
                state.update += 1
                state.batch += 1
                state.samples += batch.real
                state.lr = own.learning_rate if lr is None else lr
                state.seconds = time.perf_counter() - started
                for callback in callbacks:
                    callback.update_ended(state, control)
                if control.validation_requested or validating.after_update(state.update):
                    validate()
                if control.save_requested or saving.after_update(state.update):
                    save()
                if finished():  # not one batch is read that is not trained on
                    whole = state.batch == feeder.length
                    break
            skip = 0

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
        try:
            learner.release()
        finally:
            for callback in begun:
                callback.fit_ended(state, error)
