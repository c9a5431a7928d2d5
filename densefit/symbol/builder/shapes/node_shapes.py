"""Shapes at the inputs and outputs of one node, as rules read and set them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from densefit.errors import BindError
from densefit.symbol.builder.nodes import Node
from densefit.symbol.setting_value import setting_value

Shape = tuple[int, ...]  # 0 for an unknown dimension, as in MXNet
Rule = Callable[["NodeShapes"], None]

_rules: dict[str, Rule] = {}


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Register a function for operators: it sets the shapes that follow from known ones."""

    def enter(function: Rule) -> Rule:
        _rules.update(dict.fromkeys(operators, function))
        return function

    return enter


def rule_of(operator: str) -> Rule | None:
    """The rule of an operator; None if there is none."""
    return _rules.get(operator)


def is_known(shape: Shape | None) -> bool:
    """Whether the number of dimensions and each of them is known."""
    return shape is not None and 0 not in shape


def merged(shape: Shape | None, other: Shape | None) -> Shape | None:
    """What two shapes of one array say together.

    Raises:
        ValueError: they contradict each other.
    """
    if shape is None or other is None or shape == other:
        return other if shape is None else shape
    if len(shape) != len(other) or any(x and y and x != y for x, y in zip(shape, other)):
        raise ValueError(f"{shape} and {other}")
    return tuple(x or y for x, y in zip(shape, other))


class NodeShapes:
    """A node with the shapes that are known of its inputs and outputs.

    Attributes:
        node: the node.
        inputs: shape of each input; None if unknown, with 0 for an unknown dimension.
        outputs: likewise.
    """

    def __init__(
        self, node: Node, inputs: Sequence[Shape | None], outputs: Sequence[Shape | None]
    ) -> None:
        self.node, self.inputs, self.outputs = node, list(inputs), list(outputs)

    def text(self, name: str) -> str:
        """A setting, or its default, as text."""
        attrs = self.node.attrs
        if name in attrs or self.node.operator is None:
            return attrs.get(name, "")
        return self.node.operator.default(name)

    def flag(self, name: str) -> bool:
        """A setting that is true or false."""
        return self.text(name).lower() in ("true", "1")

    def number(self, name: str) -> int:
        """A whole number."""
        return int(self.text(name))

    def value(self, name: str) -> Any:
        """A number or tuple, None for "None" or nothing."""
        text = self.text(name)
        return setting_value(text) if text else None

    def numbers(self, name: str) -> tuple[Any, ...]:
        """A tuple; () if it is not set."""
        value = self.value(name)
        if value is None:
            return ()
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)

    def axis(self, name: str, dimensions: int) -> int:
        """An axis, counted from the front.

        Args:
            name: name of the setting.
            dimensions: number of dimensions.
        """
        axis = self.number(name)
        self.require(-dimensions <= axis < dimensions, f"axis {axis} of {dimensions} dimensions")
        return axis % dimensions

    def require(self, condition: bool, problem: object) -> None:
        """Raise BindError unless a condition holds."""
        if not condition:
            raise self._error(str(problem))

    def whole(self, position: int) -> Shape | None:
        """Shape of an input, None unless all of it is known."""
        shape = self.inputs[position]
        return shape if is_known(shape) else None

    def set_input(self, position: int, shape: Iterable[int] | None) -> None:
        """Note a shape of an input."""
        self._set(self.inputs, position, shape, "input")

    def set_output(self, shape: Iterable[int] | None, position: int = 0) -> None:
        """Note a shape of an output."""
        self._set(self.outputs, position, shape, "output")

    def _set(
        self, shapes: list[Shape | None], at: int, shape: Iterable[int] | None, what: str
    ) -> None:
        if shape is None or at >= len(shapes):
            return
        try:
            shapes[at] = merged(shapes[at], tuple(shape))
        except ValueError as error:
            raise self._error(f"its {what} {at} has the shapes {error}") from None

    def _error(self, problem: str) -> BindError:
        operator = self.node.operator
        settings = ", ".join(f"{name}={value}" for name, value in self.node.attrs.items())
        return BindError(
            f"Shapes do not fit the operator {operator.name if operator else 'variable'}",
            received=problem,
            where=f"the layer {self.node.name!r} ({settings}), inputs {self.inputs}",
        )


def size(shape: Shape) -> int:
    """Number of elements."""
    return math.prod(shape)
