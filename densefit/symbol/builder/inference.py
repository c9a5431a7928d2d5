"""Shapes of a graph: rules of operators, forwards and backwards until nothing is new."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from densefit.errors import BindError, ConfigError
from densefit.symbol.builder.nodes import Node, nodes_of
from densefit.symbol.builder.shapes import NodeShapes, Shape, is_known, merged, rule_of

if TYPE_CHECKING:
    from densefit.symbol.builder.symbol import Symbol

Results = tuple[Any, Any, Any]


def infer_shapes(
    symbol: Symbol, shapes: Sequence[Any], named: Mapping[str, Any], is_partial: bool
) -> Results:
    """Shapes of (arguments, outputs, auxiliary states).

    Args:
        symbol: the graph.
        shapes: shapes of the arguments in their order.
        named: shapes of arguments and auxiliary states by name.
        is_partial: whether unknown shapes may be among them; else (None, None, None) with a
            warning that names the arguments.

    Raises:
        BindError: shapes contradict each other.
        ConfigError: an operator has no rule, and it is not partial.
    """
    results = infer_shape_impl(symbol, is_partial, *shapes, **named)
    if results[1] is None:
        arguments, _, _ = infer_shape_impl(symbol, True, *shapes, **named)
        unknown = [
            f"{name}: {shape}"
            for name, shape in zip(symbol.list_arguments(), arguments)
            if not is_known(shape or None)
        ]
        names = "\n\t".join([*unknown[:10], *["..."] * (len(unknown) > 10)])
        warnings.warn(
            "Cannot decide shape for the following arguments (0s in shape means unknown "
            f"dimensions). Consider providing them as input:\n\t{names}",
            stacklevel=3,
        )
    return results


def infer_shape_impl(symbol: Symbol, partial: bool, *shapes: Any, **named: Any) -> Results:
    """Shapes like `infer_shapes`, without a warning."""
    inference = _Inference(symbol)
    inference.note(_by_name(symbol, shapes, named))
    inference.run()
    if not partial:
        if inference.without_rule and not inference.is_complete:
            node = inference.without_rule[0]
            raise ConfigError(
                f"The shapes of the operator {node.operator.name if node.operator else ''} are not "
                "known without an engine",
                where=f"the layer {node.name!r}",
                fix="df.fit and df.score compute them; or infer_shape_partial, or "
                'pip install "densefit[mxnet]"',
            )
        if not inference.is_complete:
            return None, None, None
    return inference.results()


def _by_name(symbol: Symbol, shapes: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Shape]:
    """Known shapes by the names of arguments and auxiliary states."""
    if shapes and named:
        raise ValueError("Shapes are given by position or by name, not both")
    arguments = symbol.list_arguments()
    if len(shapes) > len(arguments):
        raise BindError(
            "There are more shapes than arguments",
            expected=", ".join(arguments),
            received=f"{len(shapes)} shapes",
        )
    known_shapes = dict(named) or {
        name: shape for name, shape in zip(arguments, shapes) if shape is not None
    }
    inputs = set(symbol.list_inputs())
    for name, shape in known_shapes.items():
        if not isinstance(shape, tuple):
            raise TypeError(f"Shapes are tuples, and that of {name!r} is {type(shape).__name__}")
        if name not in inputs:
            raise BindError(
                f"The graph has no argument {name!r}",
                expected=", ".join(arguments)[:2000],
                received=f"{name}={shape}",
            )
    return known_shapes


def _declared(node: Node) -> Any:
    """The shape that a variable states."""
    text = node.attrs.get("__shape__")
    try:
        return tuple(ast.literal_eval(text)) if text else None
    except (ValueError, SyntaxError, TypeError) as error:
        raise BindError(
            f"The variable {node.name!r} states no shape", expected="(2, 3)", received=text
        ) from error


class _Inference:
    """The shapes of all outputs of all nodes of a graph.

    Args:
        symbol: the graph.
    """

    def __init__(self, symbol: Symbol) -> None:
        self._symbol = symbol
        self._nodes = nodes_of(symbol.entries)
        self._shapes: dict[int, list[Shape | None]] = {
            id(node): [None] * node.form.computed for node in self._nodes
        }
        self._settled: set[int] = set()  # nodes that fit all of their shapes
        self.without_rule = [
            node
            for node in self._nodes
            if node.operator is not None and rule_of(node.operator.name) is None
        ]

    def note(self, known_shapes: Mapping[str, Shape]) -> None:
        """Note the shapes of variables; those of a call come before their own."""
        for node in self._nodes:
            if node.is_variable:
                shape = known_shapes.get(node.name) or _declared(node)
                self._shapes[id(node)] = [tuple(shape) if shape else None]

    def run(self) -> None:
        """Apply the rules, forwards and backwards in turn, until no shape changes."""
        waiting = [node for node in self._nodes if not node.is_variable]
        idle = 0
        while idle < 2 and waiting:
            changes = [self._apply(node) for node in waiting]
            idle = 0 if any(changes) else idle + 1
            waiting = [node for node in reversed(waiting) if id(node) not in self._settled]

    def _apply(self, node: Node) -> bool:
        """Apply the rule of a node; whether a shape is new."""
        function = rule_of(node.operator.name) if node.operator else None
        if function is None:
            return False
        outputs = self._shapes[id(node)]
        inputs = [self._shapes[id(entry.node)][entry.number] for entry in node.inputs]
        shapes = NodeShapes(node, inputs, outputs)
        try:
            function(shapes)
        except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
            shapes.require(False, f"{type(error).__name__}: {error}")
        if all(map(is_known, (*shapes.inputs, *shapes.outputs))):
            self._settled.add(id(node))
        is_new = shapes.outputs != outputs or shapes.inputs != inputs
        if is_new:
            self._shapes[id(node)] = shapes.outputs
            for entry, shape in zip(node.inputs, shapes.inputs):
                slot = self._shapes[id(entry.node)]
                try:
                    slot[entry.number] = merged(slot[entry.number], shape)
                except ValueError as error:  # one array at two inputs
                    raise BindError(
                        f"Shapes of {entry.node.name!r} contradict each other: {error}",
                        where=f"the layer {node.name!r}",
                    ) from None
        return is_new

    @property
    def is_complete(self) -> bool:
        """Whether all shapes are known."""
        return all(is_known(shape) for shapes in self._shapes.values() for shape in shapes)

    def results(self) -> Results:
        """Shapes of (arguments, outputs, auxiliary states), () for an unknown one."""
        names = set(self._symbol.list_arguments())
        arguments: list[Shape] = []
        states: list[Shape] = []
        for node in self._nodes:
            if node.is_variable:
                shape = self._shapes[id(node)][0] or ()
                (arguments if node.name in names else states).append(shape)
        outputs = [
            self._shapes[id(entry.node)][entry.number] or () for entry in self._symbol.entries
        ]
        return arguments, outputs, states
