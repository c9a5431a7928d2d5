"""Loops and conditions, whose bodies are graphs of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.model.symbol_graph import SymbolGraph

#: (run, inputs in the order of the graph's variables) -> outputs.
Body: TypeAlias = Callable[[Any, Sequence[Any]], list[Any]]


class _Subgraph:
    """A graph inside a node, as a Symbol that is written as JSON."""

    def __init__(self, graph: Any) -> None:
        self._json = json.dumps(graph)

    def tojson(self, remove_amp_cast: bool = True) -> str:
        """The graph as JSON."""
        return self._json


def _bodies(attrs: Attributes) -> list[Body]:
    from densefit.engine.torch.program import Program  # which is made of operators

    def body_of(subgraph: Any) -> Body:
        program = Program(SymbolGraph.of(_Subgraph(subgraph)))
        return lambda run, inputs: program(dict(zip(program.inputs, inputs)), run)

    return [body_of(subgraph) for subgraph in attrs.node.subgraphs]


@operator("_foreach")
def foreach(attrs: Attributes) -> Compute:
    """Run a body for each row of the data, with states from row to row; stack its outputs."""
    (body,) = _bodies(attrs)
    data_at, state_at = attrs.wholes("in_data_locs"), attrs.wholes("in_state_locs", ())
    rest_at, count = attrs.wholes("remain_locs", ()), attrs.whole("num_out_data")

    def compute(run: Any, *inputs: Any) -> Any:
        data = inputs[: len(data_at)]
        states = list(inputs[len(data_at) : len(data_at) + len(state_at)])
        rest = inputs[len(data_at) + len(state_at) :]
        arguments: list[Any] = [None] * len(inputs)
        for position, value in zip(rest_at, rest):
            arguments[position] = value
        rows: list[list[Any]] = []
        for number in range(data[0].shape[0]):
            for position, value in zip(data_at, data):
                arguments[position] = value[number]
            for position, value in zip(state_at, states):
                arguments[position] = value
            outputs = body(run, arguments)
            rows.append(outputs[:count])
            states = outputs[count:]
        return (*(torch.stack(column) for column in zip(*rows)), *states)

    return compute


@operator("_while_loop")
def while_loop(attrs: Attributes) -> Compute:
    """Run a body while a condition holds, at most so often; stack its outputs, and zeros after."""
    condition, body = _bodies(attrs)
    condition_at, body_at = attrs.wholes("cond_input_locs", ()), attrs.wholes("func_input_locs")
    variables = [body_at[position] for position in attrs.wholes("func_var_locs")]
    most, count = attrs.whole("max_iterations"), attrs.whole("num_out_data")

    def compute(run: Any, *inputs: Any) -> Any:
        values = list(inputs)
        rows: list[list[Any]] = []
        while len(rows) < most:
            (holds,) = condition(run, [values[position] for position in condition_at])
            if not holds.is_meta and not bool(holds):
                break
            outputs = body(run, [values[position] for position in body_at])
            rows.append(outputs[:count])
            for position, value in zip(variables, outputs[count:]):
                values[position] = value
        if not rows:  # a body that never runs tells its shapes only
            with torch.no_grad():
                outputs = body(run, [values[position] for position in body_at])
            rows.append([torch.zeros_like(output) for output in outputs[:count]])
        missing = most - len(rows)
        stacks = [
            torch.stack([*column, *[torch.zeros_like(column[0])] * missing])
            for column in zip(*rows)
        ]
        return (*stacks, *(values[position] for position in variables))

    return compute


@operator("_cond")
def cond(attrs: Attributes) -> Compute:
    """Run one of two bodies by a condition."""
    condition, *bodies = _bodies(attrs)
    condition_at = attrs.wholes("cond_input_locs", ())
    bodies_at = [attrs.wholes(name, ()) for name in ("then_input_locs", "else_input_locs")]

    def compute(run: Any, *inputs: Any) -> Any:
        (holds,) = condition(run, [inputs[position] for position in condition_at])
        chosen = 0 if holds.is_meta or bool(holds) else 1
        return tuple(bodies[chosen](run, [inputs[position] for position in bodies_at[chosen]]))

    return compute
