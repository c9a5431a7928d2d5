"""Adapter of `mx.mod.Module`: reads its symbol and parameters, and writes them back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from densefit import adapters
from densefit.backend import mx
from densefit.engine.graph.symbol_info import loss_labels
from densefit.engine.model_input import ModelInput, nothing
from densefit.errors import ConfigError
from densefit.interop.module.changes import Changes
from densefit.interop.module.live_module import LiveModule
from densefit.interop.module.mirror import Mirror
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

_log = logging.getLogger("densefit")

# Methods of a Module that make up a training step.
_STEPS = ("forward", "backward", "forward_backward", "update", "prepare")


def _is_module(model: Any) -> bool:
    return isinstance(model, mx.mod.BaseModule)


@adapters.models.register(_is_module)
def of_module(model: Any, heads: Mapping[str, Route] | None = None, **context: Any) -> ModelInput:
    """Adapt a Module for `fit` and `score`.

    Parameters and optimizer states are read from a bound or loaded Module (`Module.load`). The
    Module is trained in place (`LiveModule`), unless its symbol must be rewritten (micro-batches,
    averages, bfloat16, frozen statistics), or another engine trains it: then it is updated before
    each `epoch_end_callback` and at the end (`Mirror`), and what callbacks change in it is read
    back (`Changes`).

    Args:
        model: an `mx.mod.Module`.
        heads: routes; by default one for each loss output.
        context: `batch_end_callback`, if any: callbacks that are not MXNet's may read the Module.

    Raises:
        ConfigError: the model is another kind of Module.
    """
    if not isinstance(model, mx.mod.Module):
        raise ConfigError(
            f"A {type(model).__name__} is no mx.mod.Module",
            expected="an mx.mod.Module, or its Symbol",
            received=type(model).__name__,
            fix="of a BucketingModule, train the symbol of one bucket, to whose length the samples "
            "are padded: mx.mod.Module(*sym_gen(key)); of a SequentialModule, compose the symbols; "
            "of a Module of your own class, give its symbol: batches may change their shapes",
        )
    if getattr(model, "_state_names", None):
        raise ConfigError(
            "A Module with states between batches is not trained",
            received=f"state_names={model._state_names}",
            fix="give the initial states as data, and reset them with each batch",
        )
    _check_class(type(model))
    if "batch_end_callback" in context:  # training; prediction needs no labels
        _check_labels(model)
    network = Network(symbol=model.symbol, routes=heads)
    arguments, auxiliary = _parameters(model)
    network.set_params(arguments, auxiliary)
    live = LiveModule(model)
    is_read = _may_read(context.get("eval_batch_end_callback"))
    mirror = Mirror(model, _may_read(context.get("batch_end_callback")))

    def evaluated(number: int, batch: Any) -> None:
        (live if mirror.learner is None else mirror).evaluate(number, batch)

    return ModelInput(
        network,
        list(model.data_names),
        list(model.label_names),
        list(model._context),
        list(model._fixed_param_names or ()),
        [mirror],
        [Changes(mirror)],
        optimizer=model._optimizer if model.optimizer_initialized else None,
        live=live,
        evaluated=evaluated if is_read else nothing,
        started=mirror.take,
        model=model,
    )


def _check_class(kind: Any) -> None:
    """Raise ConfigError for a class that overrides a Module's steps; warn if it overrides fit."""
    overridden = [
        name for name in _STEPS if getattr(kind, name) is not getattr(mx.mod.Module, name)
    ]
    if overridden:
        raise ConfigError(
            f"A {kind.__name__} makes steps of its own: its symbol alone would be computed",
            expected="an mx.mod.Module, or a class that leaves its steps as they are",
            received=f"{kind.__name__}.{', .'.join(overridden)}",
            fix="to do without them, give its symbol: df.fit(module.symbol, ...); else put what "
            "they do into the symbol, the iterator, the optimizer or a callback",
        )
    if kind.fit is not mx.mod.Module.fit:
        _log.warning("%s has a fit of its own, which is not run", kind.__name__)


def _check_labels(module: Any) -> None:
    """Raise ConfigError if the Module lacks a label of the loss layers."""
    inputs = [*module.data_names, *module.label_names]
    missing = [name for name in loss_labels(SymbolGraph.of(module.symbol)) if name not in inputs]
    if missing:
        arguments = module.symbol.list_arguments()
        names = [name for name in module.label_names if name in arguments]
        raise ConfigError(
            f"The loss layers read the labels {missing}, which the Module takes for parameters",
            received=f"label_names={module.label_names}",
            fix=f"mx.mod.Module(symbol, label_names={names + missing})",
        )


def _may_read(callbacks: Any) -> bool:
    """Return whether a batch callback may read the Module: MXNet's callbacks do not."""
    several = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return any(
        callback is not None
        and "mxnet.callback" not in (type(callback).__module__, callback.__module__)
        for callback in several
    )


def _parameters(module: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (parameters, statistics) of a Module; empty if it has none."""
    if module.binded and module.params_initialized:
        arguments, auxiliary = module.get_params()
        return dict(arguments), dict(auxiliary)
    return dict(module._arg_params or {}), dict(module._aux_params or {})
