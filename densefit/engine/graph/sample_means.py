"""Find outputs that are means over the samples of a batch, by the operators of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from densefit.engine.graph.inference import Inference
from densefit.model.symbol_graph import Node, SymbolGraph

_FREE, _ROWS, _MEAN = "", "rows", "mean"  # anything else says why it is none of these

_MEANS = {"mean", "_npi_mean", "_np_mean"}
#: Map a mean to a mean; any of their inputs may be a mean.
_LINEAR = {
    *("_copy", "identity", "_np_copy", "MakeLoss", "make_loss", "BlockGrad", "stop_gradient"),
    *("Cast", "cast", "amp_cast", "Reshape", "reshape", "_np_reshape", "Flatten", "flatten"),
    *("expand_dims", "squeeze", "_np_squeeze", "transpose", "_np_transpose", "SwapAxis"),
    *("slice", "slice_axis", "SliceChannel", "broadcast_to", "broadcast_axis", "tile", "repeat"),
    *("sum", "_np_sum", *_MEANS, "negative", "_npi_negative"),
    *("_plus_scalar", "_minus_scalar", "_rminus_scalar", "_mul_scalar", "_div_scalar"),
    *("_npi_add_scalar", "_npi_subtract_scalar", "_npi_rsubtract_scalar"),
    *("_npi_multiply_scalar", "_npi_true_divide_scalar"),
    *("elemwise_add", "_plus", "_add", "elemwise_sub", "_minus", "_sub", "broadcast_add"),
    *("broadcast_plus", "broadcast_sub", "broadcast_minus", "_npi_add", "_npi_subtract"),
    *("add_n", "ElementWiseSum", "_grad_add", "Concat", "concat", "stack"),
}
_SHAPING = {"Reshape", "reshape", "_np_reshape", "_npx_reshape"}
#: Linear in the one factor that is a mean.
_PRODUCTS = {"elemwise_mul", "_mul", "broadcast_mul", "_npi_multiply"}
_QUOTIENTS = {"elemwise_div", "_div", "broadcast_div", "_npi_true_divide"}


def numbers_of(
    inference: Inference, graph: SymbolGraph, shapes: Mapping[str, tuple[int, ...]], rows: int
) -> dict[str, str] | None:
    """Explain why outputs without a row per sample are not means over samples; "" if they are.

    A mean over samples is an operator `mean` of rows, times and plus terms that do not depend on
    the batch. An array whose size grows with the rows of the batch in proportion counts as rows.

    Args:
        inference: infers shapes.
        graph: a parsed Symbol.
        shapes: shapes of its inputs that have a row per sample, for a batch, by name.
        rows: number of rows of the batch.

    Returns:
        short name of an output -> reason; None if the graph takes only this number of rows.
    """
    more = {name: (shape[0] * (rows + 1) // rows, *shape[1:]) for name, shape in shapes.items()}
    small, large = inference.sizes(graph, shapes), inference.sizes(graph, more)
    if not small or not large:
        return None
    sizes: dict[Node, list[tuple[int, int]]] = {}
    for key, size in small.items():
        sizes.setdefault(key[0], []).append((size, large[key]))
    kinds: dict[Node, str] = {}
    for node in graph.nodes:
        if node.is_variable:
            kinds[node] = _ROWS if node.name in shapes else _FREE
        else:
            inputs = [kinds[source.node] for source in node.inputs]
            kind = _kind(node.op, inputs, sizes.get(node, []), rows)
            kinds[node] = kind.replace("{}", f"{node.name!r} ({node.op})")
    return {
        name: "" if kinds[output.node] in (_FREE, _MEAN) else kinds[output.node]
        for name, output in graph.outputs.items()
        if small[output[:2]] == large[output[:2]] and kinds[output.node] != _ROWS
    }


def _kind(operator: str, inputs: Sequence[str], sizes: Sequence[tuple[int, int]], rows: int) -> str:
    """Kind of an operator's outputs, from the kinds of its inputs; "{}" is replaced by its name.

    Args:
        operator: name of the operator.
        inputs: kinds of its inputs.
        sizes: elements of each output for a batch, and for a batch with one more row.
        rows: number of rows of the batch.
    """
    reasons = [kind for kind in inputs if kind not in (_FREE, _ROWS, _MEAN)]
    if reasons:
        return reasons[0]
    if _MEAN in inputs:
        return _MEAN if _is_linear(operator, inputs) else "{} of a mean is no mean"
    if _ROWS not in inputs:
        return _FREE
    grown = [(size, larger) for size, larger in sizes if size != larger]
    if any(size * (rows + 1) != larger * rows for size, larger in grown):
        return "{} sets samples against each other"
    if len(grown) == len(sizes):
        return _ROWS
    if operator in _SHAPING:
        return "{} makes a fixed number of rows"
    return _MEAN if operator in _MEANS else "{} takes all samples together"


def _is_linear(operator: str, inputs: Sequence[str]) -> bool:
    if _ROWS in inputs:
        return False
    if operator in _PRODUCTS:
        return inputs.count(_MEAN) == 1
    return operator in _LINEAR or (operator in _QUOTIENTS and inputs[1] == _FREE)
