"""What trains a network: settles everything that can be wrong, then runs the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from densefit import adapters
from densefit.callbacks.callback import Callback, TrainState
from densefit.callbacks.default_progress import with_progress
from densefit.checkpoint.training.saver import Saver, check_unmixed
from densefit.checkpoint.training.session import Session
from densefit.duration import DurationLike
from densefit.engine.batch_reader import Feeder
from densefit.engine.ema import EMA, as_ema
from densefit.engine.model_input import batches_of, model_input, validations_of
from densefit.engine.mxnet.initializer import ByName
from densefit.engine.mxnet.learner import Learner
from densefit.engine.param_groups import Groups
from densefit.errors import ConfigError
from densefit.evaluation.score import collect
from densefit.metrics import Metric
from densefit.metrics.core.derived import Derived, check_derived, derived_directions
from densefit.metrics.core.direction import Directions
from densefit.model.heads.route import Route
from densefit.numeric import check_optimizer
from densefit.train.arguments import (
    as_balance,
    as_callbacks,
    as_derived,
    as_devices,
    as_groups,
    as_patterns,
    as_resume,
    as_saver,
    as_schedule,
    as_settings,
    check_one_iterator,
)
from densefit.train.balance import Balancer
from densefit.train.balancing import Balancing, check_balanced
from densefit.train.class_names import take_names
from densefit.train.history import History
from densefit.train.horizon import Horizon, Learns
from densefit.train.interval import Cadence
from densefit.train.lifecycle import Milestones
from densefit.train.loop import Loop
from densefit.train.nonfinite import Guard
from densefit.train.numbers import Numbers
from densefit.train.rescale_grad import constant_rescale, tell_rescale
from densefit.train.same_heads import check_same_heads
from densefit.train.schedules import Schedule
from densefit.train.schedules.awaited import Awaited
from densefit.train.setup import (
    as_initializer,
    check_begin,
    check_begun,
    check_eased,
    check_kvstore,
    check_no_others,
    check_plan,
    check_scored,
    identity,
    scorer_of,
    seed_all,
    source_of_rate,
    tell_done,
    tell_kept_optimizer,
    tell_unused_rate,
)
from densefit.train.step import Step


def fit(
    network: Any,
    train: Any,
    *,
    heads: Mapping[str, Route] | None = None,
    validation: Any = None,
    validate_every: DurationLike = "1ep",
    derived: Mapping[str, Derived] | None = None,
    epochs: int | None = None,
    updates: int | None = None,
    updates_per_epoch: int | None = None,
    begin_epoch: int = 0,
    optimizer: Any = "sgd",
    optimizer_params: Mapping[str, Any] | None = None,
    schedule: Schedule | None = None,
    callbacks: Sequence[Callback | str] | Callback | str = (),
    progress: bool | None = None,
    checkpoint: str | Path | Saver | None = None,
    resume: str | Path = "none",
    accumulate: int = 1,
    clip_norm: float | None = None,
    nonfinite: str | Guard = "raise",
    groups: Groups | None = None,
    balance: Balancer | str | None = None,
    freeze: Sequence[str] | str = (),
    label_within: int = 1000,
    ema: float | EMA | None = None,
    precision: str = "float32",
    initializer: Any = None,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    allow_missing: bool = False,
    fixed_param_names: Sequence[str] | str | None = None,
    loss: Any = None,
    kvstore: Any = "local",
    seed: int = 0,
    devices: Sequence[Any] | None = None,
    eval_metric: Any = None,
    validation_metric: Any = None,
    batch_end_callback: Any = None,
    epoch_end_callback: Any = None,
    eval_end_callback: Any = None,
    eval_batch_end_callback: Any = None,
    monitor: Any = None,
    sparse_row_id_fn: Any = None,
    **others: Any,
) -> History:
    """Train a network.

    Args:
        network: a Network; or an MXNet Symbol or Module, or a gluon HybridBlock with `loss`. A
            Module or Block holds the trained parameters afterwards; `History.network` is a Network
            of each.
        train: a densefit Loader, any `mx.io.DataIter`, a DataLoader of gluon or PyTorch, or any
            iterable of dicts or of (data, label), see `interop.batches`.
        heads: name -> Route, for what is no Network; by default one for each loss output.
        validation: like `train`, and another object; scored exactly, see `score`. Or a dict of
            such by name, see `score_mixture`. Each is scored by the heads that it has labels for;
            a warning names heads without any.
        validate_every: "1ep", "500st"...; the end of training is always validated.
        derived: name -> a number made of a validation's scores, which stands among them (a mean
            over heads to choose the best checkpoint by, say).
        epochs: the length in epochs, or
        updates: in optimizer updates: one of the two. No batch is taken beyond the last one (a
            Loader's workers have begun with samples of the next ones by then). Where `train` has
            no known length, the epoch of the last update thus counts as unfinished.
        updates_per_epoch: the length of an epoch, where `train` cannot tell it or has no end. By
            default it is learned from the first epoch; until then a warm-up in updates runs, and
            the rate of a schedule otherwise holds its first value.
        begin_epoch: number of the first epoch, as in Module.fit: the training goes on from there,
            and so does its schedule. (`resume` goes on exactly.)
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer` (of which a copy is used: every
            fit begins with a new optimizer, but that of a Module which has one goes on).
        optimizer_params: of an optimizer given by name (`{"momentum": 0.9, "wd": 1e-4}`). Of what
            is no Network of heads, the gradient of an update is multiplied by `rescale_grad`, here
            or of the optimizer object, else by 1/batch_size, as in Module.fit.
        schedule: learning rate by updates done; by default the optimizer's own.
        callbacks: run in list order; one may be given by itself, or by its name. One object may
            serve several trainings: it begins anew with each, and continues what `resume`
            continues.
        progress: whether a `callbacks.Progress` shows how far the training is, beside `callbacks`
            of which none is one. None: on a terminal and in notebooks, where no
            `batch_end_callback` does; elsewhere each epoch is a line of the level INFO in the log.
        checkpoint: a directory, or a Saver with a cadence and policy of its own. Written after
            validation, atomically.
        resume: "auto" (the newest checkpoint of the directory, if there is one), a path, or
            "none", for which the directory must hold no checkpoints yet. It continues exactly, in
            mid-epoch too, if the data do: a densefit Loader, or an iterator that does not shuffle.
        accumulate: micro-batches an update: k of them train as one batch of k times the size,
            BatchNorm aside, in the memory of one (but for their inputs, with several heads). The
            last update of an epoch may have fewer.
        clip_norm: the largest norm of the gradient of the mean loss; a longer one is scaled down
            to it. (By value: `optimizer_params={"clip_gradient": ...}`.)
        nonfinite: what happens when a loss or a gradient is nan or infinite, before it does harm:
            "raise", "skip" the update, or "rollback" to the newest checkpoint at a lower rate; a
            Guard says more.
        groups: pattern of parameter names -> {"lr": factor, "wd": factor} on rate and decay, e.g.
            {"resnet18_*": {"lr": 0.1}, "*_gamma": {"wd": 0}}; where several match, later ones win.
        balance: how the losses of several heads share the trunk, see `densefit.train.balance`, or
            its name; by default they are added up, each with its head's weight.
        freeze: patterns, or one, of parameters that are not trained; a BatchNorm layer whose gamma
            is frozen keeps its statistics too.
        label_within: updates, or the first epoch if that is shorter, within which each head must
            have seen a labelled sample. Where a Loader's epoch has not every sample (a Mixture's
            shares, a dropped batch), as many epochs as they need to come.
        ema: decay of a moving average of the weights (0.999), or an EMA. The averages are what is
            scored, saved as the model and left in the network.
        precision: "bfloat16" trains with convolutions and dense layers in it, on a CPU; scores are
            computed in float32.
        initializer: for parameters that the network has no value for yet; each begins with what
            the seed and its name give, whatever other parameters there are.
        arg_params: values of parameters, which go before those that the model has; as in
            Module.fit.
        aux_params: the same of auxiliary states.
        allow_missing: whether `arg_params` and `aux_params` may lack some, which are initialised.
        fixed_param_names: parameters without a gradient. (`freeze` keeps statistics, too.)
        loss: of a HybridBlock: a gluon loss, or a list of them, one an output.
        kvstore: as in Module.fit, of this process alone; devices exchange gradients all the same.
        seed: of python, numpy and MXNet.
        devices: MXNet contexts; a batch is split among them. With several, losses are sums over
            samples (normalization="null"), and each batch has samples for all of them.
        eval_metric: as Module.fit takes it: a name, a list of names, an `mx.metric.EvalMetric` or a
            function of (label, prediction). It gets all outputs and all labels of a symbol by name,
            of real rows; its numbers are "module/<name>", over the epoch. An object is updated
            itself. This argument and those below also log the lines of Module.fit.
        validation_metric: the same for validation; by default a new copy of `eval_metric`. With it
            alone, `eval_metric` is "acc", as in Module.fit.
        batch_end_callback: a function, or a list of them, called after each update with an
            `mx.model.BatchEndParam`, as Module.fit calls `mx.callback.Speedometer(...)`.
        epoch_end_callback: a function, or a list of them, called with (epoch, symbol, arg_params,
            aux_params) after an epoch's updates and before its validation.
        eval_end_callback: called after each validation with a BatchEndParam.
        eval_batch_end_callback: called after each batch of a validation with a BatchEndParam.
        sparse_row_id_fn: as in Module.fit; devices of one process share all rows, so that it is not
            called.
        others: none; they are refused with what they are called here.
        monitor: an `mx.mon.Monitor` of the train graph, started before an update and printed after
            it.

    Returns:
        A History.

    Raises:
        BindError: labels or parameters missing, labels extra, misnamed or misshaped; an unknown
            output: before the first update, naming the head.
        DataError: no batch, a broken sample, or a head that sees no label.
        ConfigError: contradictory settings.
        CheckpointError: the directory holds another training's checkpoints, all are damaged, one
            does not fit (heads, parameters, or data in mid-epoch), or the disk refuses a new one.
        TrainingDiverged: a head's loss or the gradient is not finite (found before the update),
            or a parameter is not (found before a validation, a save, or the end).
        TrainingInterrupted: SIGINT or SIGTERM came; the update was finished (a validation is given
            up, and made by the resume) and a checkpoint written. A KeyboardInterrupt.
    """
    # Prepare: what can be found wrong without running the network is found here.
    check_no_others(others)
    balance, schedule, saver = as_balance(balance), as_schedule(schedule), as_saver(checkpoint)
    callbacks, resume, devices = as_callbacks(callbacks), as_resume(resume), as_devices(devices)
    groups, derived, freeze = as_groups(groups), as_derived(derived), as_patterns(freeze, "freeze")
    settings = as_settings(optimizer_params)
    check_one_iterator(train, "train")
    check_one_iterator(validation, "validation")
    check_plan(epochs, updates, train, validation)
    numbers = Numbers(
        epochs=epochs,
        updates=updates,
        updates_per_epoch=updates_per_epoch,
        begin_epoch=begin_epoch,
        accumulate=accumulate,
        clip_norm=clip_norm,
        label_within=label_within,
        seed=seed,
    )
    epochs, updates, updates_per_epoch = numbers.epochs, numbers.updates, numbers.updates_per_epoch
    begin_epoch, accumulate, clip_norm = numbers.begin_epoch, numbers.accumulate, numbers.clip_norm
    label_within, seed = numbers.label_within, numbers.seed
    seed_all(seed)
    check_kvstore(kvstore)
    fixed_names = as_patterns(fixed_param_names, "fixed_param_names")
    check_begin(begin_epoch, epochs)
    given = model_input(
        network,
        heads,
        arg_params,
        aux_params,
        announce=True,
        measured=eval_metric is None,
        loss=loss,
        train=train,
        batch_end_callback=batch_end_callback,
        eval_batch_end_callback=eval_batch_end_callback,
    )
    network, devices = given.network, devices or given.devices
    train = batches_of(train, given, "train")
    wires = network.wires
    module: Any = adapters.module_arguments.adapt(
        {
            "eval_metric": eval_metric,
            "validation_metric": validation_metric,
            "batch_end_callback": batch_end_callback,
            "epoch_end_callback": epoch_end_callback,
            "eval_end_callback": eval_end_callback,
            "eval_batch_end_callback": eval_batch_end_callback,
            "monitor": monitor,
        },
        network=network,
        model=given.model,
        seen=given.seen,
        evaluated=given.evaluated,
    )
    live = given.live
    if (
        accumulate > 1
        or ema is not None
        or precision != "float32"
        or freeze
        or set(fixed_names) - set(given.fixed)
        or devices != given.devices
    ):
        live = None
    of_mxnet = (
        *(eval_metric, validation_metric, monitor, batch_end_callback, epoch_end_callback),
        *(eval_end_callback, eval_batch_end_callback),
    )
    is_logged = any(one is not None for one in of_mxnet)
    callbacks = with_progress(callbacks, progress, batch_end_callback is not None, is_logged)
    if live is None:
        callbacks = [*given.mirrors, *callbacks]
    measured = {**wires, **module.wires}
    check_balanced(balance, wires)
    feeder = Feeder(train, list(measured.values()), "train")
    take_names(network, train)
    check_same_heads(train, feeder.wires, feeder.where)
    feeder.epochs.first = begin_epoch
    guard = nonfinite if isinstance(nonfinite, Guard) else Guard(nonfinite)
    per_epoch = feeder.epochs.updates(updates_per_epoch, accumulate)
    check_begun(begin_epoch, schedule, per_epoch)
    total = (
        updates if epochs is None else feeder.epochs.total_updates(epochs, per_epoch, accumulate)
    )
    check_optimizer(settings, where="optimizer_params")
    if given.optimizer is not None:
        tell_kept_optimizer(given.optimizer, optimizer, settings)
        optimizer, settings = given.optimizer, {}
    rescale = constant_rescale(network, optimizer, settings, feeder.batch_size, accumulate)
    learner = Learner(network, devices)
    scorer = scorer_of(learner, validations_of(validation, given), module.wires)
    scored = {} if scorer is None else scorer.directions
    known = Directions(scored, () if scorer is None else scorer.unscored)
    check_derived(derived, scored)
    if scorer is not None:
        known.update(derived_directions(derived))
    if schedule is not None:
        check_scored(schedule, validation)
        schedule = schedule.judged_by(known)
    rate = source_of_rate(schedule, optimizer, settings, total, per_epoch)
    check_eased(guard, rate, optimizer, settings)
    validating = Cadence(validate_every, per_epoch, total, "validate_every")
    saving = Cadence(saver.every if saver else 0, per_epoch, total, "Saver(every=...)")
    if saver is None and resume not in ("none", "auto"):
        raise ConfigError("To resume, say where checkpoints are", fix="checkpoint=DIR")
    if saver is not None:
        check_unmixed(saver.directory, resume)
        saver.keep.judged_by(known)
    judges: dict[str, list[Metric]] = {n: wire.metrics("train") for n, wire in measured.items()}
    collect(judges)  # names that clash
    state = TrainState(
        network,
        epoch=begin_epoch,
        update=begin_epoch * (per_epoch or 0),
        epochs=epochs,
        updates=total,
        updates_per_epoch=per_epoch,
        batch_size=feeder.batch_size,
        accumulate=accumulate,
        directions=known,
        train=lambda: {**collect(judges), **told_weights()} if state.samples else {},
    )
    session = Session(
        learner, state, History(network), [*callbacks, *module.callbacks], judges, rate, balance
    )

    def told_weights() -> dict[str, float]:
        return {f"{head}/loss_weight": weight for head, weight in state.loss_weights.items()}

    try:
        if saver is not None:
            saver.begin(resume)
        weigh = None
        if balance is not None:
            balance.begin(list(wires), total, per_epoch)
            weigh = balance.weighted if balance.learned else None
        begins = ByName(as_initializer(initializer), seed)
        learner.bind(
            feeder,
            begins,
            accumulate,
            freeze,
            as_ema(ema),
            precision,
            weigh,
            [*given.fixed, *fixed_names],
            allow_missing or (arg_params is None and aux_params is None),
            monitor is None,
            live,
            arg_params is not None or aux_params is not None,
        )
        module.attach(learner, scorer, train)
        if scorer is not None:
            scorer.check_values()
        if rescale is not None:
            tell_rescale(
                network.symbol,
                learner.output_shapes,
                rescale,
                optimizer,
                settings,
                feeder.batch_size,
            )
        own = learner.start_optimizer(
            optimizer, settings, feeder.batch_size, groups, rescale, kvstore
        )
        tell_unused_rate(own, schedule, settings, groups)
        if live is None:
            given.started(learner)
        learns: list[Learns] = [validating, saving]
        if isinstance(rate, Awaited):
            learns.append(rate)
        horizon = Horizon(
            state, partial(feeder.epochs.total_updates, epochs or 0, accumulate=accumulate), learns
        )
        for callback in session.callbacks:
            callback.begin_anew()
        if saver is not None:
            identified = partial(
                identity,
                state,
                train,
                seed,
                validation,
                begin_epoch=begin_epoch,
                schedule=schedule,
                optimizer=optimizer,
                optimizer_params=settings,
                clip_norm=clip_norm,
                groups=groups,
                freeze=freeze,
                fixed_param_names=fixed_names,
                nonfinite=guard,
                loss=loss,
                derived=derived,
                balance=balance,
                ema=as_ema(ema),
                precision=precision,
            )
            session.identity, session.before = identified(), partial(identified, as_before=True)
            resumed = saver.resume(resume, session)
            if resumed is not None:
                state.resumed = str(resumed)
                if per_epoch is None:
                    horizon.resume()
                tell_done(state, resumed)
        balancing = None if balance is None else Balancing(balance, learner, wires)
        step = Step(learner, measured, judges, accumulate, clip_norm, guard, state.clock, balancing)
        Loop(
            session=session,
            feeder=feeder,
            step=step,
            optimizer=own,
            guard=guard,
            between=Milestones(session, scorer, derived, saver, guard),
            validating=validating,
            saving=saving,
            seed=seed,
            label_within=label_within,
            horizon=horizon,
        ).run()
        return session.history
    finally:
        if saver is not None:
            saver.end()
        learner.release()
        for wire in wires.values():
            wire.is_measured = True
