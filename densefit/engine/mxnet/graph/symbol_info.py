"""What a Symbol says of itself: shapes, label arguments, and how its losses are normalised."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from densefit.backend import mx, symbol_of
from densefit.errors import BindError
from densefit.model.output_names import short_name

# Operators whose forward pass does not read their second input, the label.
LABELLED_OPERATORS = (
    "SoftmaxOutput",
    "Softmax",
    "LinearRegressionOutput",
    "LogisticRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
)
_SUMMED = "softmax_cross_entropy"  # a loss whose forward pass does read its label


def loss_labels(symbol: Any) -> list[str]:
    """Names of the variables that are labels of MXNet's loss layers and nothing else.

    A label may be reshaped, cast or sliced on its way. MXNet itself would take a label that no
    iterator provides for a parameter, and train it.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes = graph["nodes"]
    used = _forward_nodes(nodes, [head[0] for head in graph["heads"]])
    found = []
    for node in nodes:
        if node["op"] in (*LABELLED_OPERATORS, _SUMMED) and len(node["inputs"]) > 1:
            number = node["inputs"][1][0]
            while len(nodes[number]["inputs"]) == 1:
                number = nodes[number]["inputs"][0][0]
            if nodes[number]["op"] == "null" and number not in used:
                found.append(nodes[number]["name"])
    return list(dict.fromkeys(found))


def forward_graph(symbol: Any, outputs: Sequence[str]) -> Any:
    """The Symbol of some outputs, in which no loss layer has a label that computes nothing.

    The forward pass of a `SoftmaxOutput` gives the same with any label. In place of the label, and
    of what it is made of, stands a variable "<layer>_unread_label"; what else reads the label still
    does.

    Args:
        symbol: a train graph.
        outputs: short names of those that are wanted, in the order that is wanted.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    known = {short_name(name): head for name, head in zip(symbol.list_outputs(), graph["heads"])}
    nodes: list[dict[str, Any]] = []
    moved: dict[int, int] = {}
    for number, node in enumerate(graph["nodes"]):
        inputs = [[moved[entry[0]], *entry[1:]] for entry in node["inputs"]]
        if node["op"] in LABELLED_OPERATORS and len(inputs) > 1:
            label = {"op": "null", "name": f"{node['name']}{UNREAD}", "inputs": []}
            nodes.append(label)
            inputs[1] = [len(nodes) - 1, 0, 0]
        moved[number] = len(nodes)
        nodes.append({**node, "inputs": inputs})
    heads = [[moved[known[name][0]], *known[name][1:]] for name in outputs]
    cut = {
        **graph,
        "nodes": nodes,
        "arg_nodes": [number for number, node in enumerate(nodes) if node["op"] == "null"],
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": heads,
    }
    return symbol_of(cut)


#: Ends the name of a label that the forward pass does not read, see `forward_graph`.
UNREAD = "_unread_label"


def _forward_nodes(nodes: Sequence[Mapping[str, Any]], ends: Iterable[int]) -> set[int]:
    """The nodes that some nodes are computed from, but for the labels of loss layers."""
    found: set[int] = set()
    waiting = list(ends)
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        found.add(number)
        inputs = nodes[number]["inputs"]
        if nodes[number]["op"] in (*LABELLED_OPERATORS, _SUMMED):
            inputs = inputs[:1]
        waiting.extend(entry[0] for entry in inputs)
    return found


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
        # What `infer_shape` calls; that one prints the arguments before it raises.
        arguments, outputs, auxiliary = symbol._infer_shape_impl(False, **given)
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


def can_cut_rows(symbol: Any, shapes: Mapping[str, tuple[int, ...]], rows: int) -> bool:
    """Whether a graph computes the same of some rows of a batch, without the others.

    A `Reshape` to a fixed number of rows does not: of a smaller batch MXNet would read what lies in
    memory behind it.

    Args:
        symbol: the graph.
        shapes: of its inputs for a full batch.
        rows: of a full batch.
    """
    if rows < 2:
        return True
    fewer = {
        name: (shape[0] * (rows - 1) // rows, *shape[1:]) for name, shape in shapes.items() if shape
    }
    try:
        whole = symbol._infer_shape_impl(False, **shapes)[1]
        part = symbol._infer_shape_impl(False, **fewer)[1]
    except (mx.base.MXNetError, RuntimeError):
        return False
    if whole is None or part is None:
        return False
    return all(
        not one or one[0] % rows or tuple(one[1:]) != tuple(other[1:])
        or one[0] * (rows - 1) == other[0] * rows
        for one, other in zip(whole, part)
    )  # fmt: skip


def check_complete(
    known: Mapping[str, tuple[int, ...]], inputs: Iterable[str], given: Mapping[str, Any]
) -> None:
    """Raise BindError for a parameter that has no value.

    Args:
        known: shapes of the graph's arguments and auxiliary states.
        inputs: names of those that are no parameters.
        given: the values.
    """
    free = set(inputs)
    lacking = [name for name in known if name not in free and name not in given]
    if lacking:
        raise BindError(
            "arg_params and aux_params lack parameters of the symbol",
            expected={name: known[name] for name in lacking},
            received=f"{len(given)} arrays",
            fix="fit(..., allow_missing=True) initialises them",
        )


def check_same_parameters(
    known: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    inputs: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]],
    where: str,
) -> None:
    """Raise BindError if a parameter had another shape for a batch of other shapes.

    Args:
        known: shapes of arguments and auxiliary states as they are bound.
        found: the same as they follow from the batch.
        inputs: names of those that are no parameters.
        shapes: of the batch.
        where: named in errors.
    """
    free = set(inputs)
    for name, shape in found.items():
        if name not in free and shape != known[name]:
            raise BindError(
                f"A batch of these shapes would need a parameter {name!r} of another shape",
                expected=known[name],
                received=f"{shape} for {dict(shapes)}",
                where=where,
                fix="give all batches the same shape, or let the symbol reduce what varies "
                "(a global Pooling) before a FullyConnected",
            )


def draws_at_random(symbol: Any) -> bool:
    """Whether a graph computes with random numbers when it is trained (dropout, noise...)."""
    operators = {node["op"] for node in json.loads(symbol.tojson())["nodes"]}
    return any(
        operator in ("Dropout", "RNN", "LeakyReLU", "Custom", "_shuffle")
        or operator.startswith(("_random_", "_sample_", "_npi_"))
        for operator in operators
    )
