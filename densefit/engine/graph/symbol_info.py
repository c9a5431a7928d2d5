"""What the operators of a graph imply: which inputs are labels, whether it draws at random."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from densefit.model.symbol_graph import VARIABLE, Node, SymbolGraph

#: Operators whose forward pass does not read their second input, the label.
LABELLED_OPERATORS = (
    "SoftmaxOutput",
    "Softmax",
    "LinearRegressionOutput",
    "LogisticRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
)
_SUMMED = "softmax_cross_entropy"  # a loss whose forward pass does read its label
#: Ends the name of a label that the forward pass does not read, see `forward_graph`.
UNREAD = "_unread_label"


def loss_labels(graph: SymbolGraph) -> list[str]:
    """Names of the variables that are labels of MXNet's loss layers and nothing else.

    A label may be reshaped, cast or sliced before the loss. MXNet would treat a label that no
    iterator provides as a parameter, and train it.
    """
    read = _forward_nodes([head.node for head in graph.heads])
    labels = []
    for node in graph.nodes:
        if node.op in (*LABELLED_OPERATORS, _SUMMED) and len(node.inputs) > 1:
            label = node.inputs[1].node
            while len(label.inputs) == 1:
                label = label.inputs[0].node
            if label.is_variable and label not in read:
                labels.append(label.name)
    return list(dict.fromkeys(labels))


def forward_graph(graph: SymbolGraph, outputs: Sequence[str]) -> SymbolGraph:
    """Make the graph of some outputs, without labels that do not affect a loss layer's output.

    The output of a `SoftmaxOutput` does not depend on its label. The layer then reads a variable
    "<layer>_unread_label" instead; other readers of the label are not changed.

    Args:
        graph: graph for training.
        outputs: short names of the outputs, in the order of the result.
    """

    def unlabel(_: Node, node: Node) -> Node:
        if node.op in LABELLED_OPERATORS and len(node.inputs) > 1:
            return node.with_input(1, Node(VARIABLE, f"{node.name}{UNREAD}"))
        return node

    return graph.select([graph.outputs[name] for name in outputs]).rewrite(unlabel)


def _forward_nodes(ends: Iterable[Node]) -> set[Node]:
    """Nodes that some nodes are computed from, without the labels of loss layers."""
    nodes: set[Node] = set()
    waiting = list(ends)
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes.add(node)
            is_loss = node.op in (*LABELLED_OPERATORS, _SUMMED)
            waiting.extend(source.node for source in node.inputs[: 1 if is_loss else None])
    return nodes


def draws_at_random(graph: SymbolGraph) -> bool:
    """Whether a graph uses random numbers in training (dropout, noise...)."""
    return any(
        node.op in ("RNN", "Custom", "_shuffle")
        or (node.op == "Dropout" and float(node.attr("p", "0.5")) > 0)
        or (node.op == "LeakyReLU" and node.attr("act_type") == "rrelu")
        or node.op.startswith(("_random_", "_sample_", "_npi_"))
        for node in graph.nodes
    )
