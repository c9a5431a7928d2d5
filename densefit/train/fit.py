"""What trains a network: settles everything that can be wrong, then runs the loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback
from densefit.checkpoint.training.saver import Saver
from densefit.duration import DurationLike
from densefit.engine.ema import EMA
from densefit.engine.param_groups import Groups
from densefit.metrics.core.derived import Derived
from densefit.model.heads.route import Route
from densefit.train.balance import Balancer
from densefit.train.history import History
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Schedule
from densefit.train.setup.plan import Plan
from densefit.train.setup.settings import Settings
from densefit.train.setup.start import start
from densefit.train.setup.unknown_arguments import check_unknown


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
            such by name, see `score`. Each is scored by the heads that it has labels for;
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
            BatchNorm aside, in the memory of one (but for their inputs). The last update of an
            epoch may have fewer.
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
    check_unknown(others)
    settings = Settings.of(
        train=train,
        validation=validation,
        validate_every=validate_every,
        derived=derived,
        epochs=epochs,
        updates=updates,
        updates_per_epoch=updates_per_epoch,
        begin_epoch=begin_epoch,
        optimizer=optimizer,
        optimizer_params=optimizer_params,
        schedule=schedule,
        callbacks=callbacks,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        accumulate=accumulate,
        clip_norm=clip_norm,
        nonfinite=nonfinite,
        groups=groups,
        balance=balance,
        freeze=freeze,
        label_within=label_within,
        ema=ema,
        precision=precision,
        initializer=initializer,
        arg_params=arg_params,
        aux_params=aux_params,
        allow_missing=allow_missing,
        fixed_param_names=fixed_param_names,
        loss=loss,
        kvstore=kvstore,
        seed=seed,
        devices=devices,
        module={
            "eval_metric": eval_metric,
            "validation_metric": validation_metric,
            "batch_end_callback": batch_end_callback,
            "epoch_end_callback": epoch_end_callback,
            "eval_end_callback": eval_end_callback,
            "eval_batch_end_callback": eval_batch_end_callback,
            "monitor": monitor,
        },
    )
    plan = Plan.of(network, heads, settings)
    with plan.held():
        start(plan).run()
    return plan.session.history
