"""A gluon HybridBlock with its losses as a Symbol that `fit` trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit import adapters
from densefit.backend import mx
from densefit.callbacks.callback import Callback, TrainState
from densefit.engine.model_input import ModelInput
from densefit.errors import ConfigError
from densefit.interop.parameters import arg_params, aux_params
from densefit.metrics import MAE, MSE
from densefit.metrics.classification.loss import Mean
from densefit.metrics.classification.softmax_accuracy import SoftmaxAccuracy
from densefit.model.heads.route import Route
from densefit.model.network import Network


def _is_block(model: Any) -> bool:
    return isinstance(model, mx.gluon.Block)


@adapters.models.register(_is_block)
def of_block(
    model: Any,
    heads: Mapping[str, Route] | None = None,
    loss: Any = None,
    train: Any = None,
    **context: Any,
) -> ModelInput:
    """Adapt a HybridBlock for `fit` and `score`.

    The outputs and losses become outputs of one Symbol, "output" and "loss" (with a number if
    there are several), each a head. The Block's initialised parameters are read, and set again
    when the training ends.

    Args:
        model: an `mx.gluon.HybridBlock`.
        heads: routes of these outputs; by default the losses' means and metrics of the outputs.
        loss: a gluon loss, or a list with one loss an output. None: to score and predict only.
        train: data that names the Symbol's inputs.
        context: unused.

    Raises:
        ConfigError: the model is not a HybridBlock, or losses and outputs do not match.
    """
    if not isinstance(model, mx.gluon.HybridBlock):
        raise ConfigError(
            "Only a HybridBlock can be trained: a Block has no Symbol",
            expected="an mx.gluon.HybridBlock",
            received=type(model).__name__,
            fix="write its forward as hybrid_forward(self, F, ...)",
        )
    provided = getattr(train, "provide_data", None)
    data = _names(provided, ["data"])
    labels = _names(getattr(train, "provide_label", None), [])
    try:
        outputs = model(*(mx.sym.Variable(name) for name in data))
    except TypeError as error:
        raise ConfigError(
            f"The Block cannot be called with {len(data)} input: {error}",
            expected="the names of all of its inputs",
            received=data,
            fix="df.interop.batches(loader, data=['one', 'other'], labels=['label'])",
        ) from error
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    losses = list(loss) if isinstance(loss, (list, tuple)) else [] if loss is None else [loss]
    several = len(outputs) > 1
    names = [f"output{number}" if several else "output" for number in range(len(outputs))]
    visible = [mx.sym.BlockGrad(output, name=name) for output, name in zip(outputs, names)]
    routes: dict[str, Route] = {}
    symbols = list(visible)
    labels = labels or [f"label{number}" if several else "label" for number in range(len(outputs))]
    if len(losses) > 1 and not len(losses) == len(outputs) == len(labels):
        raise ConfigError(
            "Losses, outputs and labels do not match",
            expected="one loss, or one for each output and label",
            received=f"{len(losses)} losses, {len(outputs)} outputs, labels {labels}",
        )
    for number, head_loss in enumerate(losses):
        name = f"loss{number}" if len(losses) > 1 else "loss"
        label_variables = [mx.sym.Variable(label) for label in labels]
        if len(losses) > 1:
            value = head_loss(outputs[number], label_variables[number])
        else:
            value = head_loss(*outputs, *label_variables)
        symbols.append(mx.sym.MakeLoss(value, name=name))
        routes[name] = Route([name], (), [Mean(key="loss")])
    for number, name in enumerate(names):
        output_loss = losses[number if len(losses) > 1 else 0] if losses else None
        metric = _metric(output_loss) if len(losses) > 1 or not several else None
        if metric is not None:
            routes[name] = Route([name], [labels[number]], [metric])
        elif not losses:
            routes[name] = Route([name])
    network = Network(symbol=mx.sym.Group(symbols), routes=routes if heads is None else heads)
    parameters = model.collect_params()
    devices = _devices(parameters)
    if loss is not None:
        _finish_shapes(model, parameters, provided or _first_shape(train))
    _take(network, parameters)
    fixed = [
        name
        for name, parameter in parameters.items()
        if parameter.grad_req == "null" and name in network.symbol.list_arguments()
    ]
    return ModelInput(
        network,
        data,
        labels,
        devices,
        fixed,
        [_Fill(parameters)],
        seen=[f"{name}_output" for name in names],
        model=model,
    )


class _Fill(Callback):
    """Set a Block's parameters when a training ends."""

    def __init__(self, parameters: Any) -> None:
        self._parameters = parameters

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        if not state.network.initialized:
            return
        values = {**arg_params(state.network), **aux_params(state.network)}
        for name, parameter in self._parameters.items():
            if name not in values:
                continue
            parameter.shape = values[name].shape
            if parameter._data is None and not parameter._deferred_init:
                parameter.initialize(ctx=mx.cpu())
            parameter.set_data(values[name])
            if parameter._deferred_init:
                parameter._finish_deferred_init()


def _devices(parameters: Any) -> list[Any] | None:
    """Return the contexts of the initialised parameters; None if there are none."""
    for parameter in parameters.values():
        if parameter._data is not None or parameter._deferred_init:
            return list(parameter.list_ctx())
    return None


def _first_shape(data: Any) -> Any:
    """Return a loader's first input like `provide_data`; None if it cannot be read."""
    begun = iter(data) if hasattr(data, "__iter__") else data
    if begun is data:
        return None
    batch = next(begun, None)
    part = batch.get("data") if isinstance(batch, Mapping) else batch
    while isinstance(part, (list, tuple)) and part:
        part = part[0]
    shape: Any = getattr(part, "shape", None)
    return None if shape is None else [("data", tuple(shape))]


def _finish_shapes(model: Any, parameters: Any, provided: Any) -> None:
    """Infer the shapes of deferred parameters, and initialize them."""
    if not provided or not any(parameter._deferred_init for parameter in parameters.values()):
        return
    inputs = [
        mx.nd.zeros(desc[1], dtype=getattr(desc, "dtype", None) or np.float32) for desc in provided
    ]
    model.infer_shape(*inputs)
    for parameter in parameters.values():
        if parameter._deferred_init:
            parameter._finish_deferred_init()


def _take(network: Network, parameters: Any) -> None:
    """Copy the Block's initialised parameters into the network."""
    values = {
        name: parameter.data(parameter.list_ctx()[0])
        for name, parameter in parameters.items()
        if parameter._data is not None
    }
    states = set(network.symbol.list_auxiliary_states())
    network.set_params(
        {name: value for name, value in values.items() if name not in states},
        {name: value for name, value in values.items() if name in states},
    )


def _metric(loss: Any) -> Any:
    """Return a metric for an output that is trained with a loss; None if none is known."""
    kinds = mx.gluon.loss
    if isinstance(loss, kinds.SoftmaxCrossEntropyLoss) and loss._sparse_label:
        return SoftmaxAccuracy(multi_output=loss._axis == 1)
    if isinstance(loss, kinds.L2Loss):
        return MSE()
    return MAE() if isinstance(loss, kinds.L1Loss) else None


def _names(descs: Any, default: Sequence[str]) -> list[str]:
    return [desc[0] for desc in descs] if descs else list(default)
