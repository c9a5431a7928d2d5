"""Callbacks, monitor and log lines of Module.fit in densefit's loop, in Module's order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from densefit.backend import mx
from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.engine.mxnet.monitoring import Monitoring
from densefit.evaluation.update_metrics import compute_metrics
from densefit.interop.data_batch import data_batch
from densefit.interop.eval_metric import sums_in_lists
from densefit.interop.metric_view import MetricView
from densefit.interop.module.head_adapter import NAME, ModuleHead
from densefit.interop.module.locals import ModuleLocals, ScoredModule, TrainedModule
from densefit.interop.parameters import arg_params, aux_params


class ModuleFit(Callback):
    """Call MXNet's callbacks and monitor, and log the lines of Module.fit.

    After an update: the monitor prints, then `batch_end`. After an epoch's updates: the lines
    "Train-<name>" and "Time cost", then `epoch_end`. After each batch of a validation:
    `eval_batch_end`. After a validation: `eval_end`, then the lines "Validation-<name>".

    `param.locals` has "self" (the user's Module, else the Module in training), "epoch", "nbatch",
    "eval_metric", "symbol", "arg_params", "aux_params", "train_data", "num_epoch", "monitor",
    "network", "state" and "control"; after an update "data_batch"; in a validation "eval_data" (of
    several datasets the one that is scored) and "eval_batch".

    Args:
        adapter: head adapter of `eval_metric`; None: callbacks see the metrics of all heads.
        batch_end, epoch_end, eval_batch_end, eval_end: functions as Module.fit calls them.
        monitor: an mx.mon.Monitor, or None.
        model: the user's model; a Module is `locals["self"]`, and its logger gets the lines.
        evaluated: called with index and batch before each `eval_batch_end`.
    """

    def __init__(
        self,
        adapter: ModuleHead | None,
        batch_end: Sequence[Callable[[Any], Any]] = (),
        epoch_end: Sequence[Callable[..., Any]] = (),
        eval_batch_end: Sequence[Callable[[Any], Any]] = (),
        eval_end: Sequence[Callable[[Any], Any]] = (),
        monitor: Any = None,
        model: Any = None,
        evaluated: Callable[[int, Any], None] | None = None,
    ) -> None:
        self._wire, self._monitor, self._model = adapter, monitor, model
        self._batch_end, self._epoch_end = batch_end, epoch_end
        self._eval_batch_end, self._eval_end = eval_batch_end, eval_end
        self._evaluated = evaluated or (lambda number, batch: None)
        self._logger = getattr(model, "logger", logging)
        self._epoch, self._began = 0, time.time()
        self._batches: dict[str, int] = {}  # dataset -> number of validation batches
        self._learner: Any = None
        self._train: Any = None
        self._validation: Any = None
        self._scorers: Mapping[str, Any] = {}
        self._state = TrainState(None)
        self._control = Control()

    def attach(self, learner: Any, scorer: Any, train: Any) -> None:
        """Follow a training before it starts.

        Args:
            learner: engine, bound for training.
            scorer: scorer of the validation data; None for none.
            train: training data.
        """
        self._learner, self._train = learner, train
        self._scorers = {} if scorer is None else scorer.scorers
        datasets = {name: scored.data for name, scored in self._scorers.items()}
        self._validation = datasets.get("") if set(datasets) <= {""} else datasets
        if self._monitor is not None:
            learner.monitoring = Monitoring(self._monitor)
        for name, scored in self._scorers.items():
            scored.on_batch = self._follow(name, scored)

    def fit_started(self, state: TrainState, control: Control) -> None:
        self._state, self._control = state, control
        over = state.pending == "epoch" and not state.batch  # a resume in its validation
        self._epoch = state.epoch - 1 if over else state.epoch

    def epoch_started(self, state: TrainState, control: Control) -> None:
        self._epoch, self._began = state.epoch, time.time()

    def update_ended(self, state: TrainState, control: Control) -> None:
        if self._monitor is not None:
            self._monitor.toc_print()
        if self._batch_end:
            batch = data_batch(self._learner.batch)
            self._call(self._batch_end, state.batch - 1, self._metric(), data_batch=batch)

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        numbers: Iterable[tuple[str, float]] = (
            state.train().items()
            if self._wire is None
            else self._wire.metrics_by_mode["train"].pairs()
        )
        for name, value in numbers:
            self._logger.info("Epoch[%d] Train-%s=%f", self._epoch, name, value)
        self._logger.info("Epoch[%d] Time cost=%.3f", self._epoch, time.time() - self._began)
        if self._epoch_end:
            arguments, auxiliary = arg_params(state.network), aux_params(state.network)
            for callback in self._epoch_end:
                callback(self._epoch, state.network.symbol, arguments, auxiliary)

    def validated(self, state: TrainState, control: Control) -> None:
        for dataset, scorer in self._scorers.items():
            batches, metric = self._batches.get(dataset, 0), self._validation_metric(scorer)
            self._call(self._eval_end, batches, metric, eval_data=scorer.data)
            prefix = f"{dataset}/" if dataset else ""
            for name, value in self._validation_numbers(scorer):
                self._logger.info("Epoch[%d] Validation-%s%s=%f", self._epoch, prefix, name, value)

    def _follow(self, dataset: str, scorer: Any) -> Callable[[int, Any, Mapping[str, Any]], None]:
        def on_batch(number: int, batch: Any, outputs: Mapping[str, Any]) -> None:
            self._batches[dataset] = number + 1
            if self._eval_batch_end:
                self._evaluated(number, batch)
                module = (
                    ScoredModule(self._learner, outputs) if self._model is None else self._model
                )
                self._call(
                    self._eval_batch_end,
                    number,
                    self._validation_metric(scorer),
                    eval_data=scorer.data,
                    eval_batch=data_batch(batch),
                    **{"self": module},
                )

        return on_batch

    def _metric(self) -> Any:
        adapter = self._wire
        return (
            MetricView(self._state.train)
            if adapter is None
            else adapter.metrics_by_mode["train"].exposed
        )

    def _validation_metric(self, scorer: Any) -> Any:
        if self._wire is None:
            return MetricView(lambda: compute_metrics(scorer.metrics))
        return scorer.metrics[NAME][0].exposed

    def _validation_numbers(self, scorer: Any) -> Iterable[tuple[str, float]]:
        if self._wire is None:
            return compute_metrics(scorer.metrics).items()
        pairs: list[tuple[str, float]] = scorer.metrics[NAME][0].pairs()
        return pairs

    def _call(
        self, callbacks: Sequence[Callable[[Any], Any]], batch: int, metric: Any, /, **more: Any
    ) -> None:
        """Call each of the callbacks with one BatchEndParam."""
        if not callbacks:
            return
        values = ModuleLocals(
            lambda: (arg_params(self._state.network), aux_params(self._state.network)),
            {
                "self": TrainedModule(self._learner) if self._model is None else self._model,
                "epoch": self._epoch,
                "nbatch": batch,
                "eval_metric": metric,
                "train_data": self._train,
                "eval_data": self._validation,
                "num_epoch": self._state.epochs,
                "monitor": self._monitor,
                "network": self._state.network,
                "symbol": self._state.network.symbol,
                "state": self._state,
                "control": self._control,
                **more,
            },
        )
        param = mx.model.BatchEndParam(
            epoch=self._epoch, nbatch=batch, eval_metric=metric, locals=values
        )
        in_lists = sums_in_lists(metric)
        for callback in callbacks:
            callback(param)
            for part in in_lists:
                if not isinstance(part.sum_metric, list):  # after reset_local
                    part.reset()
