"""The model argument of `fit` and `score`: a Network, a Symbol, or an adapted model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from densefit import adapters
from densefit import engine as engines
from densefit.callbacks.callback import Callback
from densefit.engine import engine_name, loss_labels
from densefit.engine.engine import Engine
from densefit.errors import ConfigError, DataError
from densefit.model.heads.loss_layers import describe_heads
from densefit.model.heads.route import Route
from densefit.model.heads.routed_head import RoutedHead
from densefit.model.network import Network
from densefit.symbol import is_symbol


def nothing(number: int, batch: Any) -> None:
    """Do nothing with a validation batch."""


@dataclass
class ModelInput:
    """A user's model, adapted for `fit` and `score`.

    Attributes:
        network: network that is trained and scored, with the model's parameters.
        data_names, label_names: names of the arrays of its batches, if it defines them.
        devices: MXNet contexts, if it defines them.
        fixed: names of parameters without a gradient.
        mirrors: callbacks that copy the training's parameters to the model.
        changes: callbacks that read back what other callbacks have changed in the model.
        optimizer: an `mx.optimizer.Optimizer` that the model continues with; None for `fit`'s.
        seen: full names of the outputs that an eval_metric gets; None for all.
        live: a Module that can train itself, see `densefit.interop.module.live_module`;
            `mirrors` are for trainings that it cannot.
        started: called with the engine once the optimizer is started, before a resume.
        model: the user's object.
        evaluated: called with each batch of a validation and its number, before
            `eval_batch_end_callback`.
    """

    network: Network
    data_names: Sequence[str] | None = None
    label_names: Sequence[str] | None = None
    devices: Sequence[Any] | None = None
    fixed: Sequence[str] = ()
    mirrors: Sequence[Callback] = ()
    changes: Sequence[Callback] = ()
    optimizer: Any = None
    live: Any = None
    seen: Sequence[str] | None = None
    started: Callable[[Any], None] = field(default=lambda learner: None)
    model: Any = None
    evaluated: Callable[[int, Any], None] = nothing


def make_engine(
    model: ModelInput, devices: Sequence[Any] | None = None, engine: str | None = None
) -> Engine:
    """Make the engine of a model; the devices that the model itself defines are MXNet's.

    Args:
        model: a user's model.
        devices: devices that the caller chose.
        engine: name of the engine that the caller chose.
    """
    name = engine_name(engine, model.network)
    return engines.make(
        model.network, devices or (model.devices if name == "mxnet" else None), name
    )


def batches_of(data: Any, model: ModelInput, where: str) -> Any:
    """Adapt data to an iterator of batches with names; a Loader or DataIter is returned.

    Args:
        data: a Loader, a DataIter, or data with a registered adapter; None stays None.
        model: model that names the arrays.
        where: purpose of the data, for error messages.
    """
    if data is None or hasattr(data, "provide_data"):
        return data
    data_names, label_names = model.data_names, model.label_names
    if data_names is None and label_names is None and model.network.symbol is not None:
        symbol = model.network.symbol
        routed = [name for adapter in model.network.adapters.values() for name in adapter.labels]
        label_names = list(dict.fromkeys([*routed, *loss_labels(symbol)]))
        data_names = ["data"] if "data" in symbol.list_arguments() else None
    adapted = adapters.batches.adapt(
        data, data_names=data_names, label_names=label_names, where=where
    )
    return data if adapted is None else adapted


def validations_of(validation: Any, model: ModelInput) -> Any:
    """`batches_of` validation data, one dataset or several by name.

    Raises:
        DataError: a dict of arrays, which is a batch and not datasets by name.
    """
    if isinstance(validation, Mapping):
        arrays = [name for name, data in validation.items() if hasattr(data, "shape")]
        if arrays:
            raise DataError(
                "A dict is several datasets by name, and an array is none",
                expected="a Loader, a DataIter or an iterable over batches (dicts name -> array, "
                "or (data, label) pairs); or a dict of these: {'name': loader}",
                received="a dict of arrays with the keys " + ", ".join(map(repr, arrays)),
                fix="a list of one batch, [{'data': array, ...}], or of several",
            )
        return {name: batches_of(data, model, f"{name} data") for name, data in validation.items()}
    return batches_of(validation, model, "validation")


def model_input(
    model: Any,
    heads: Mapping[str, Route] | None = None,
    arg_params: Mapping[str, Any] | None = None,
    aux_params: Mapping[str, Any] | None = None,
    *,
    announce: bool = False,
    measured: bool = True,
    **context: Any,
) -> ModelInput:
    """Adapt a model: a Network, a Symbol, or an object that an adapter is registered for.

    Args:
        model: the user's object.
        heads: routes, for models other than a Network.
        arg_params: values of parameters by name, which override the model's.
        aux_params: values of auxiliary states by name.
        announce: print the heads that were inferred, if `heads` is None.
        measured: whether inferred heads have their default metrics.
        context: for the model's adapter (`train`, `loss`).

    Raises:
        ConfigError: an unknown kind of model, routes for a Network, or missing losses.
    """
    if isinstance(model, Network):
        if heads is not None:
            raise ConfigError("A Network has its heads already", received=f"heads={list(heads)}")
        adapted_model = ModelInput(model, model=model)
    elif is_symbol(model):
        adapted_model = ModelInput(Network(symbol=model, routes=heads), model=model)
    else:
        adapted = adapters.models.adapt(model, heads=heads, **context)
        if adapted is None:
            raise ConfigError(
                "This is not a model",
                expected="a df.Network, an MXNet Symbol or Module, or a gluon HybridBlock",
                received=f"{type(model).__module__}.{type(model).__name__}",
                fix="pass the symbol of an mx.model.FeedForward: df.fit(model.symbol, ...)"
                if type(model).__name__ == "FeedForward"
                else None,
            )
        adapted_model = adapted
    if context.get("loss") is not None and (isinstance(model, Network) or is_symbol(model)):
        raise ConfigError(
            f"loss= is for a gluon HybridBlock; a {type(model).__name__} has its losses",
            received=f"loss={context['loss']!r}",
        )
    if arg_params is not None or aux_params is not None:
        network = adapted_model.network
        network.set_params(
            {**network.parameters, **(arg_params or {})},
            {**network.statistics, **(aux_params or {})},
        )
    if heads is None and not isinstance(model, Network):
        head_adapters = [
            w for w in adapted_model.network.adapters.values() if isinstance(w, RoutedHead)
        ]
        for adapter in head_adapters:
            adapter.uses_metrics = measured
        if announce:
            for line in describe_heads(
                {
                    n.name: n.route if measured else replace(n.route, metrics=())
                    for n in head_adapters
                }
            ):
                print(f"densefit: {line}", file=sys.stderr)
    return adapted_model
