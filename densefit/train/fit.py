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
from densefit.engine.types import Data, Devices, Model, NamedData, OptimizerLike
from densefit.metrics.core.derived import Derived
from densefit.model.heads.route import Route
from densefit.train.balance import Balancer
from densefit.train.history import History
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Schedule
from densefit.train.setup.arguments import constant_rate
from densefit.train.setup.plan import Plan
from densefit.train.setup.settings import Settings
from densefit.train.setup.start import start
from densefit.train.setup.unknown_arguments import check_unknown, renamed_argument


def fit(
    network: Model,
    train: Data,
    *,
    heads: Mapping[str, Route] | None = None,
    validation: NamedData | None = None,
    validate_every: DurationLike = "1ep",
    validation_losses: Data | None = None,
    derived: Mapping[str, Derived] | None = None,
    epochs: int | None = None,
    updates: int | None = None,
    updates_per_epoch: int | None = None,
    begin_epoch: int = 0,
    optimizer: str | OptimizerLike = "sgd",
    optimizer_params: Mapping[str, Any] | None = None,
    lr: float | None = None,
    schedule: Schedule | None = None,
    callbacks: Sequence[Callback | str] | Callback | str = (),
    progress: bool | None = None,
    checkpoint: str | Path | Saver | None = None,
    resume: str | Path | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    on_nonfinite: str | Guard = "raise",
    groups: Groups | None = None,
    balance: Balancer | str | None = None,
    distill: Mapping[str, Any] | None = None,
    task_affinity: int | str | None = None,
    freeze: Sequence[str] | str = (),
    unfreeze: DurationLike | None = None,
    label_within: int = 1000,
    ema: float | EMA | None = None,
    precision: str = "float32",
    sync_batchnorm: bool = False,
    initializer: Any = None,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    allow_missing: bool = False,
    fixed_param_names: Sequence[str] | str | None = None,
    loss: Any = None,
    kvstore: Any = "local",
    seed: int = 0,
    devices: Devices | None = None,
    engine: str | None = None,
    eval_metric: Any = None,
    validation_metric: Any = None,
    batch_end_callback: Any = None,
    epoch_end_callback: Any = None,
    eval_end_callback: Any = None,
    eval_batch_end_callback: Any = None,
    monitor: Any = None,
    sparse_row_id_fn: Any = None,
    **aliases: Any,
) -> History:
    """Train a network.

    Args:
        network: a Network; or an MXNet Symbol or Module, or a gluon HybridBlock with `loss`. A
            Module or Block holds the trained parameters afterwards; `History.network` is a Network
            in each case.
        train: a densefit Loader, any `mx.io.DataIter`, a DataLoader of gluon or PyTorch, or any
            iterable of dicts or of (data, label), see `interop.batches`.
        heads: name -> Route, for anything but a Network; by default one for each loss output.
        validation: like `train`, and another object; scored exactly, see `score`. Or several by
            name. Each is scored by the heads that it has labels for; a warning names heads without
            any.
        validate_every: "1ep", "500st"...; the end of training is always validated.
        validation_losses: like `train`, without augmentation: validation data with labels, whose
            losses are computed at each validation, too, and are scores of it ("<head>/loss"). The
            train graph computes them in evaluation mode, with the weights in training rather than
            their averages, on real rows alone. The console says how long that takes.
        derived: name -> a score computed from a validation's scores and listed among them (a mean
            over heads that selects the best checkpoint, for example).
        epochs: length of the training in epochs, or
        updates: in optimizer updates: exactly one of the two. No batch is read after the last
            update (though a Loader's workers may have started on the next samples). If `train` has
            no known length, the epoch of the last update counts as unfinished.
        updates_per_epoch: length of an epoch, for `train` without a known length or an end. By
            default it is measured in the first epoch; during that epoch a warm-up in updates
            runs, and any other schedule keeps its first rate.
        begin_epoch: number of the first epoch, as in Module.fit: training and schedule continue
            from there. (`resume` continues exactly.)
        optimizer: MXNet's name, or an `mx.optimizer.Optimizer`. An object is copied: every fit
            starts a new optimizer, except for a Module that has its own, which continues.
        optimizer_params: settings of an optimizer that is given by name (`{"momentum": 0.9, "wd":
            1e-4}`). Except for a Network of heads, the gradient of an update is multiplied by
            `rescale_grad` from here or from the optimizer object, by default 1/batch_size, as in
            Module.fit.
        lr: a constant learning rate: short for `schedule=df.Constant(lr)`.
        schedule: learning rate by the number of updates done; by default the optimizer's own.
        callbacks: callbacks in the order of their calls, a single one, or names. An object can be
            used in several trainings: each resets it, and `resume` restores it.
        progress: whether to show a `callbacks.Progress` bar if `callbacks` has none. None: on a
            terminal and in notebooks, without a `batch_end_callback`; elsewhere each epoch logs a
            line of the level INFO.
        checkpoint: a directory, or a Saver with an interval and policy. Written atomically, after
            validation.
        resume: "auto" (the newest checkpoint of the directory, if there is one), or a path. None
            starts a new training, and the directory must hold no checkpoints yet. A resume is
            exact, in mid-epoch too, if the data are: a densefit Loader, or an iterator that does
            not shuffle.
        accumulate: micro-batches per update: k of them are equivalent to one batch of k times the
            size, except for BatchNorm, and need the memory of one (and of their inputs). The last
            update of an epoch may have fewer.
        clip_norm: largest norm of the gradient of the mean loss; a longer gradient is scaled down.
            (By value: `optimizer_params={"clip_gradient": ...}`.)
        on_nonfinite: reaction to a loss or gradient that is nan or infinite, before the update:
            "raise", "skip" the update, or "rollback" to the newest checkpoint at a lower rate; a
            Guard has more settings.
        groups: pattern of parameter names -> {"lr": factor, "wd": factor} on rate and decay, e.g.
            `{"resnet18_*": {"lr": 0.1}, "*_gamma": {"wd": 0}}`; of several matches the last wins.
        balance: a balancer of the heads' losses, see `df.balance`, or a name; by default the sum of
            the losses, weighted by the heads' weights.
        distill: head -> its teacher: the folder of a run, a trained Network, or a `Distill` with
            settings. The head learns from the teacher's outputs on every sample, and from labels
            where there are some.
        task_affinity: updates from one measurement to the next of what heads do for each other, and
            of the cosines between their gradients by layer, among the training numbers; "auto": 30
            for each head, which costs some 3 % of the training. None: nothing is measured.
        freeze: patterns of parameters that are not trained; a BatchNorm layer whose gamma is
            frozen keeps its statistics too.
        unfreeze: how long they are not trained: "5ep", "500st" or "10%"; None: for the whole
            training. From then on statistics move, too, and the optimizer's states of these
            parameters begin as at a first update.
        label_within: updates (or the first epoch, if shorter) within which each head must see a
            labelled sample. Where a Loader's epoch lacks samples (a Mixture's shares, a dropped
            batch), as many epochs as a full pass takes.
        ema: decay of a moving average of the weights (0.999), or an EMA. The averages are scored,
            saved as the model and left in the network.
        precision: "bfloat16" computes convolutions and dense layers in it, on a CPU; scores are
            computed in float32.
        sync_batchnorm: whether BatchNorm normalizes by the samples of all ranks of a launched
            training, instead of its own rank's; with engine="torch".
        initializer: initializer of parameters without a value; each value depends only on the seed
            and the parameter's name.
        arg_params: values of parameters, which override the model's, as in Module.fit.
        aux_params: values of auxiliary states, likewise.
        allow_missing: whether `arg_params` and `aux_params` may be incomplete; missing parameters
            are initialized.
        fixed_param_names: parameters without a gradient. (`freeze` keeps statistics, too.)
        loss: for a HybridBlock: a gluon loss, or a list with one per output.
        kvstore: as in Module.fit, within this process; devices exchange gradients in any case.
        seed: seed of python, numpy and the engine.
        devices: MXNet contexts, or PyTorch's devices; a batch is split among them. With
            several, losses are sums over samples (normalization="null"), and each batch has samples
            for all of them.
        engine: "mxnet" or "torch". By default the environment's DENSEFIT_ENGINE, else MXNet where
            it is installed, else PyTorch.
        eval_metric: as in Module.fit: a name, a list of names, an `mx.metric.EvalMetric` or a
            function of (label, prediction). It receives all outputs and labels of a symbol by
            name, without padding; its scores are "module/<name>", over the epoch. A metric object
            is itself updated. This and the following arguments also log the lines of Module.fit.
        validation_metric: likewise for validation; by default a new copy of `eval_metric`. If only
            this one is given, `eval_metric` is "acc", as in Module.fit.
        batch_end_callback: a function, or a list of them, called after each update with an
            `mx.model.BatchEndParam`, as Module.fit calls `mx.callback.Speedometer(...)`.
        epoch_end_callback: a function, or a list of them, called with (epoch, symbol, arg_params,
            aux_params) after an epoch's updates and before its validation.
        eval_end_callback: called after each validation with a BatchEndParam.
        eval_batch_end_callback: called after each batch of a validation with a BatchEndParam.
        monitor: an `mx.mon.Monitor` of the train graph, started before an update and printed after
            it.
        sparse_row_id_fn: as in Module.fit; never called, as devices of one process share all rows.
        aliases: former and foreign names of these arguments; unknown ones are refused.

    Returns:
        A History.

    Raises:
        BindError: labels or parameters missing, labels extra, misnamed or misshaped; an unknown
            output: before the first update, naming the head.
        DataError: no batch, a broken sample, or a head without any labelled sample.
        ConfigError: contradictory settings.
        CheckpointError: the directory holds another training's checkpoints, all are damaged, one
            does not fit (heads, parameters, or data in mid-epoch), or the disk refuses a new one.
        TrainingDiverged: a head's loss or the gradient is not finite (before the update), or a
            parameter is not (before a validation, a save, or the end).
        TrainingInterrupted: SIGINT or SIGTERM arrived, and a checkpoint was written after the
            update (a resume repeats an interrupted validation). A KeyboardInterrupt.
    """
    if "nonfinite" in aliases:
        on_nonfinite = renamed_argument(aliases, "nonfinite", "on_nonfinite")
    check_unknown(aliases)
    settings = Settings.of(
        train=train,
        validation=validation,
        validate_every=validate_every,
        validation_losses=validation_losses,
        derived=derived,
        epochs=epochs,
        updates=updates,
        updates_per_epoch=updates_per_epoch,
        begin_epoch=begin_epoch,
        optimizer=optimizer,
        optimizer_params=optimizer_params,
        schedule=schedule if lr is None else constant_rate(lr, schedule, optimizer_params),
        callbacks=callbacks,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        accumulate=accumulate,
        clip_norm=clip_norm,
        on_nonfinite=on_nonfinite,
        groups=groups,
        balance=balance,
        distill=distill,
        task_affinity=task_affinity,
        freeze=freeze,
        unfreeze=unfreeze,
        label_within=label_within,
        ema=ema,
        precision=precision,
        sync_batchnorm=sync_batchnorm,
        initializer=initializer,
        arg_params=arg_params,
        aux_params=aux_params,
        allow_missing=allow_missing,
        fixed_param_names=fixed_param_names,
        loss=loss,
        kvstore=kvstore,
        seed=seed,
        devices=devices,
        engine=engine,
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
    with plan.locked():
        start(plan).run()
    return plan.session.history
