"""BatchNorm folded into the layer before it, for graphs that are only evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from densefit.model.symbol_graph import VARIABLE, Node, Output, SymbolGraph

_LAYERS = ("Convolution", "FullyConnected")


@dataclass(frozen=True)
class Fold:
    """A BatchNorm folded into the layer before it.

    Attributes:
        weight, bias: the layer's parameters.
        has_bias: whether the layer has a bias; if not, `bias` is the name of a new one.
        gamma, beta, mean, variance: the BatchNorm's.
        fix_gamma: whether gamma is treated as 1.
        epsilon: added to the variance.
    """

    weight: str
    bias: str
    has_bias: bool
    gamma: str
    beta: str
    mean: str
    variance: str
    fix_gamma: bool
    epsilon: float

    def reads(self) -> list[str]:
        """Names of the parameters that the folded weight and bias are computed from."""
        names = [self.weight, self.gamma, self.beta, self.mean, self.variance]
        return [*names, self.bias] if self.has_bias else names


def fold(graph: SymbolGraph) -> tuple[SymbolGraph, list[Fold]]:
    """Remove BatchNorms that the preceding layer can compute.

    A BatchNorm is folded if it normalises the channels of a Convolution or FullyConnected whose
    output and parameters nothing else reads; layers with several BatchNorms or shared weights are
    unchanged. Outputs keep their names and order.

    Args:
        graph: graph for evaluation.

    Returns:
        (graph, folds). The folded layers all have a bias.
    """
    names = {node.name for node in graph.nodes}
    folds: dict[Node, Fold] = {}  # layer -> its fold
    for node in graph.nodes:
        if node.op == "BatchNorm" and _can_fold(graph, node):
            folds[node.inputs[0].node] = _fold_of(node, names)

    def change(node: Node, new: Node) -> Node:
        if node.op == "BatchNorm" and node.inputs[0].node in folds:
            return new.inputs[0].node
        if node not in folds or folds[node].has_bias:
            return new
        bias = Output(Node(VARIABLE, folds[node].bias))
        return replace(new.with_attrs(no_bias="False"), inputs=(*new.inputs, bias))

    return graph.rewrite(change), list(folds.values())


def _can_fold(graph: SymbolGraph, norm: Node) -> bool:
    """Whether a BatchNorm can be computed by the preceding layer."""
    layer, output = norm.inputs[0][:2]
    parameters = [source.node for source in (*layer.inputs[1:], *norm.inputs[1:])]
    return (
        layer.op in _LAYERS
        and output == 0
        and layer.flag("flatten", True)
        and layer.attr("layout", "None") in ("None", "NCW", "NCHW", "NCDHW")
        and int(norm.attr("axis", "1")) == 1
        # Mean and variance are outputs, too, and can be dropped only if nothing reads them.
        and not norm.flag("output_mean_var")
        and graph.uses(layer) == 1
        and norm not in {head.node for head in graph.heads}
        and all(node.is_variable and graph.uses(node) == 1 for node in parameters)
    )


def _fold_of(norm: Node, names: set[str]) -> Fold:
    """Make the fold of a BatchNorm; a new bias gets a name that is added to `names`."""
    layer = norm.inputs[0].node
    weight, *bias = (source.node.name for source in layer.inputs[1:])
    gamma, beta, mean, variance = (source.node.name for source in norm.inputs[1:])
    if not bias:
        bias = [f"{layer.name}_bias"]
        while bias[0] in names:
            bias[0] += "_folded"
        names.add(bias[0])
    return Fold(
        weight=weight,
        bias=bias[0],
        has_bias=len(layer.inputs) == 3,
        gamma=gamma,
        beta=beta,
        mean=mean,
        variance=variance,
        fix_gamma=norm.flag("fix_gamma", True),
        epsilon=float(norm.attr("eps", "0.001")),
    )


def fold_parameters(
    folds: Sequence[Fold], parameters: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Compute the weights and biases of folded layers.

    Args:
        folds: from `fold`.
        parameters: name -> value of all parameters and moving statistics of the graph.

    Returns:
        name -> float32, the weight times s and (bias - mean) s + beta, where s is gamma divided
        by the root of the variance plus epsilon (Ioffe and Szegedy, 2015, section 3.1).
    """
    folded = {}
    for fold in folds:
        names = (fold.mean, fold.variance, fold.beta)
        mean, variance, beta = (np.asarray(parameters[name], np.float64) for name in names)
        weight = np.asarray(parameters[fold.weight], np.float32)
        # Broken statistics give nan as in BatchNorm, so that scores show it.
        with np.errstate(all="ignore"):
            scale = 1.0 / np.sqrt(variance + fold.epsilon)
            if not fold.fix_gamma:
                scale = scale * parameters[fold.gamma]
            bias = parameters[fold.bias] if fold.has_bias else 0.0
            folded[fold.bias] = ((bias - mean) * scale + beta).astype(np.float32)
            column = scale.astype(np.float32).reshape(-1, *[1] * (weight.ndim - 1))
            folded[fold.weight] = weight * column
    return folded
