"""What a Symbol says of itself: shapes, label arguments, and how its losses are normalised."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import BindError, ConfigError
from densefit.model.route import short_name
from densefit.model.wire import Wire

# Operators whose second input is a label that only training reads.
LOSS_OPERATORS = (
    "SoftmaxOutput",
    "Softmax",
    "LinearRegressionOutput",
    "LogisticRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
    "softmax_cross_entropy",
)
# Operators that send a gradient of their own; a user's Custom operator may.
GRADIENT_OPERATORS = (*LOSS_OPERATORS, "MakeLoss", "make_loss")


def loss_labels(symbol: Any) -> list[str]:
    """Names of the variables that feed the label input of MXNet's loss operators.

    MXNet itself would take a label that no iterator provides for a parameter, and train it.
    """
    nodes = json.loads(symbol.tojson())["nodes"]
    found = []
    for node in nodes:
        if node["op"] in LOSS_OPERATORS and len(node["inputs"]) > 1:
            source = nodes[node["inputs"][1][0]]
            if source["op"] == "null":
                found.append(source["name"])
    return found


def outputs_of(symbol: Any, operators: Sequence[str]) -> list[str]:
    """Short names of a symbol's outputs that are made by one of the operators."""
    graph = json.loads(symbol.tojson())
    return [
        short_name(name)
        for name, (node, *_rest) in zip(symbol.list_outputs(), graph["heads"])
        if graph["nodes"][node]["op"] in operators
    ]


def own_normalizations(symbol: Any) -> dict[str, str]:
    """Short output name -> "sum" or "mean": whether a loss layer divides by the batch itself.

    `SoftmaxOutput` and `MakeLoss` do with normalization "batch" or "valid"; Module would divide
    by the batch size a second time.
    """
    graph = json.loads(symbol.tojson())
    found = {}
    for name, (node, _, *_rest) in zip(symbol.list_outputs(), graph["heads"]):
        attributes = graph["nodes"][node].get("attrs", {})
        own = attributes.get("normalization", "null") in ("batch", "valid")
        found[short_name(name)] = "mean" if own else "sum"
    return found


def loss_normalization(
    symbol: Any,
    wires: Mapping[str, Wire],
    shapes: Mapping[str, tuple[int, ...]],
    batch_size: int,
    devices: int,
) -> str:
    """How all losses of a symbol are normalised: what heads state, else the layers' settings.

    Args:
        symbol: the train graph.
        wires: its heads by name.
        shapes: of its outputs for a full batch, by short name.
        batch_size: rows of a full batch.
        devices: among how many a batch is split.

    Returns:
        "sum": the update divides by its samples; "mean": the layers have divided already.

    Raises:
        ConfigError: the losses differ, and one factor serves them all; a loss is one number for
            the batch, and its head does not say which; or means of several devices' parts, which
            have no common divisor if the parts differ.
    """
    kinds = own_normalizations(symbol)
    for wire in wires.values():
        for output in wire.outputs("train"):
            kinds[output] = wire.normalization or kinds[output]
    # Outputs that are no losses (BlockGrad, say) have no gradient to normalise; whether a Custom
    # operator has one, only the head that states a normalization can tell.
    stated = [name for w in wires.values() if w.normalization for name in w.outputs("train")]
    losses = {
        *outputs_of(symbol, GRADIENT_OPERATORS),
        *(name for name in outputs_of(symbol, ["Custom"]) if name in stated),
    }
    for name in sorted(losses - set(stated)):
        if int(np.prod(shapes[name])) == 1 != batch_size:
            raise ConfigError(
                f"The loss {name!r} is one number for the whole batch: whether the sum or the "
                "mean of its samples' losses, the symbol does not tell",
                received=f"shape {shapes[name]} for {batch_size} samples",
                where=_heads_of([name], wires),
                fix="Route(..., normalization='mean') or 'sum', or one number a sample",
            )
    found = {
        kind: sorted(name for name in losses if kinds[name] == kind) for kind in ("sum", "mean")
    }
    if found["sum"] and found["mean"]:
        raise ConfigError(
            "Losses of one symbol are normalised in two ways, and one factor serves them all",
            expected="all with normalization 'null', or all with 'batch' or 'valid'",
            received=f"sum: {found['sum']}, mean: {found['mean']}",
            where=_heads_of(losses, wires),
        )
    if found["mean"] and devices > 1:
        raise ConfigError(
            "A loss that is a mean already would be one of each device's part of the batch: what "
            "is trained would depend on the number of devices",
            expected="losses that are sums over samples, with several devices",
            received=f"{found['mean']} on {devices} devices",
            where=_heads_of(found["mean"], wires),
            fix="normalization='null' in the loss layer: the update divides by the samples; or "
            "use one device",
        )
    return "mean" if found["mean"] else "sum"


def _heads_of(outputs: Iterable[str], wires: Mapping[str, Wire]) -> str:
    heads = [name for name, wire in wires.items() if set(outputs) & set(wire.outputs("train"))]
    return (
        f"head{'s' if len(heads) > 1 else ''} {', '.join(heads)}" if heads else "no head names it"
    )


def infer_shapes(
    symbol: Any, given: Mapping[str, tuple[int, ...]], heads: Sequence[str]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Shapes that follow from those of data and labels.

    Args:
        symbol: the graph.
        given: name -> shape of its inputs.
        heads: named in errors.

    Returns:
        (arguments and auxiliary states by name, outputs by short name).

    Raises:
        BindError: the shapes contradict each other, or leave some open.
    """
    where = f"head{'s' if len(heads) > 1 else ''} {', '.join(heads) or '(none)'}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said better below
            arguments, outputs, auxiliary = symbol.infer_shape(**given)
    except mx.base.MXNetError as error:
        reason = [line.strip() for line in str(error).splitlines() if "Error in operator" in line]
        raise BindError(
            "The shapes of the data and labels do not fit the symbol",
            received=dict(given),
            where=where,
            fix=reason[-1] if reason else str(error).strip().splitlines()[-1],
        ) from error
    if arguments is None:
        partial, _, _ = symbol.infer_shape_partial(**given)
        names = symbol.list_arguments()
        raise BindError(
            "Not every shape of the symbol follows from the data and labels",
            expected="shapes of all inputs",
            received=dict(given),
            where=where,
            fix="does the iterator provide "
            f"{[name for name, shape in zip(names, partial) if not shape or 0 in shape]}?",
        )
    known = dict(zip(symbol.list_arguments(), arguments))
    known.update(zip(symbol.list_auxiliary_states(), auxiliary))
    return known, {
        short_name(name): tuple(shape) for name, shape in zip(symbol.list_outputs(), outputs)
    }


def check_parameters(
    known: Mapping[str, tuple[int, ...]], given: Mapping[str, Any], heads: Sequence[str]
) -> None:
    """Raise BindError for a parameter whose shape is not the one that the symbol needs."""
    for name, value in given.items():
        if name in known and tuple(value.shape) != tuple(known[name]):
            raise BindError(
                f"The parameter {name!r} has another shape than the symbol needs",
                expected=tuple(known[name]),
                received=tuple(value.shape),
                where=f"heads {', '.join(heads)}",
                fix="was it trained for another number of classes?",
            )


def draws_at_random(symbol: Any) -> bool:
    """Whether a graph computes with random numbers when it is trained (dropout, noise...)."""
    operators = {node["op"] for node in json.loads(symbol.tojson())["nodes"]}
    return any(
        operator in ("Dropout", "RNN", "LeakyReLU", "Custom", "_shuffle")
        or operator.startswith(("_random_", "_sample_", "_npi_"))
        for operator in operators
    )
