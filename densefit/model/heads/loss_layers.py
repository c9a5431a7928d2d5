"""Heads of a Symbol without routes: its loss layers, recognised by their operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError
from densefit.metrics import MAE, MSE, Metric, SoftmaxAccuracy
from densefit.metrics.classification.loss import Mean
from densefit.model.head_names import plain_name
from densefit.model.heads.route import Route
from densefit.model.output_names import short_name
from densefit.model.symbol_graph import Node, SymbolGraph

_REGRESSIONS: Mapping[str, type[Metric]] = {
    "LinearRegressionOutput": MSE,
    "LogisticRegressionOutput": MSE,
    "MAERegressionOutput": MAE,
}
_SOFTMAX = ("SoftmaxOutput", "Softmax", "SVMOutput")
_LOSSES = ("MakeLoss", "make_loss", "softmax_cross_entropy", "IdentityAttachKLSparseReg")


def loss_heads(symbol: Any) -> dict[str, Route]:
    """One Route for each loss output of a Symbol, named after the output without `_output`.

    Characters that a head's name cannot have (see `densefit.model.head_names`) become `_`:
    `loss/age_output` is the head `loss_age`.

    Metrics: accuracy for a classifier, the error for a regression, and the mean for a custom loss
    (`MakeLoss`, `make_loss`), if the label is an input of the symbol; a label that is computed in
    the graph, as in SSD, needs a metric of the user. Outputs with `grad_scale=0`, and of operators
    that are no loss layers (`BlockGrad`), have no head.

    Args:
        symbol: any Symbol.

    Raises:
        ConfigError: the Symbol has no loss output.
    """
    heads = SymbolGraph.of(symbol).heads
    routes: dict[str, Route] = {}
    names = [short_name(output) for output in symbol.list_outputs()]
    for output, short, (node, *_rest) in zip(symbol.list_outputs(), names, heads):
        if float(node.attr("grad_scale", "1")) == 0.0:
            continue
        operator, name = node.op, plain_name(short, {*routes, *names} - {short})
        label = _label(node) if len(node.inputs) > 1 else None
        if operator in _SOFTMAX or operator in _REGRESSIONS:
            metrics = [] if label is None else [_metric(node)]
            routes[name] = Route([output], [label] if label else [], metrics)
        elif operator in _LOSSES:
            routes[name] = Route([output], (), [Mean(key="loss")])
        elif operator == "Custom":
            routes[name] = Route([output])
    if not routes:
        raise ConfigError(
            "The Symbol has no loss output, so that there is nothing to train",
            expected="an output of SoftmaxOutput, a regression output, SVMOutput, MakeLoss, "
            "make_loss or a Custom operator",
            received=f"outputs {symbol.list_outputs()}",
            fix="wrap the loss, mx.sym.MakeLoss(loss, name='loss'), or name the heads, "
            "heads={'name': df.Route(outputs=[...], labels=[...], metrics=[...])}",
        )
    return routes


def describe_heads(routes: Mapping[str, Route]) -> list[str]:
    """A line of text for each head."""
    lines = []
    for name, route in routes.items():
        metrics = ", ".join(metric.primary for metric in route.metrics) or "no metric"
        labels = f" against {', '.join(route.labels)}" if route.labels else ""
        lines.append(f"head {name}: {', '.join(route.outputs)}{labels}: {metrics}")
    return lines


def _metric(loss: Node) -> Metric:
    if loss.op in _REGRESSIONS:
        return _REGRESSIONS[loss.op]()
    ignored = int(float(loss.attr("ignore_label", "-1"))) if loss.flag("use_ignore") else None
    return SoftmaxAccuracy(ignored, loss.flag("multi_output"))


def _label(loss: Node) -> str | None:
    """The variable that a loss layer compares with, if its values reach it unchanged."""
    node = loss.inputs[1].node
    while node.op in ("Reshape", "Flatten", "Cast", "expand_dims", "squeeze"):
        node = node.inputs[0].node
    return node.name if node.is_variable else None
