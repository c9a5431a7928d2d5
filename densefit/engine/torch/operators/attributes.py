"""Settings of an operator, as MXNet's JSON writes them, converted to Python's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from densefit.errors import EngineError
from densefit.model.symbol_graph import Node
from densefit.symbol.setting_value import setting_value

_MISSING: Any = object()
T = TypeVar("T")


class Attributes:
    """Settings of one node, read by name.

    Args:
        node: the node.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self._attrs: Mapping[str, Any] = node.attrs

    def __contains__(self, name: str) -> bool:
        return name in self._attrs

    def text(self, name: str, default: str = "") -> str:
        """A setting as it is written."""
        return str(self._attrs.get(name, default))

    def optional_text(self, name: str) -> str | None:
        """A setting as it is written; None where it is absent or None."""
        text = self.text(name, "None")
        return None if text in ("None", "") else text

    def choice(self, name: str, choices: Mapping[str, T], default: str = "") -> T:
        """What a setting names among the choices of this engine.

        Raises:
            EngineError: the engine has no such choice.
        """
        text = self.text(name, default)
        if text not in choices:
            raise EngineError(
                f"The engine 'torch' has no {self.node.op} with {name}={text!r}",
                expected=f"one of {', '.join(choices)}",
                where=f"node {self.node.name!r}",
                fix="use engine='mxnet'",
            )
        return choices[text]

    def flag(self, name: str, default: bool = False) -> bool:
        """A setting that is true or false."""
        return self.text(name, str(default)).lower() in ("true", "1")

    def number(self, name: str, default: float = _MISSING) -> float:
        """A real number."""
        return float(self._value(name, default))

    def whole(self, name: str, default: int = _MISSING) -> int:
        """A whole number."""
        return int(self._value(name, default))

    def optional(self, name: str) -> Any:
        """A number or tuple, or None."""
        return self._value(name, None)

    def wholes(self, name: str, default: tuple[int, ...] = _MISSING) -> tuple[int, ...]:
        """Whole numbers; a single one is a tuple of one."""
        value = self._value(name, default)
        return tuple(int(n) for n in value) if isinstance(value, (tuple, list)) else (int(value),)

    def numbers(self, name: str, default: tuple[float, ...] = _MISSING) -> tuple[float, ...]:
        """Real numbers; a single one is a tuple of one."""
        value = self._value(name, default)
        if isinstance(value, (tuple, list)):
            return tuple(float(n) for n in value)
        return (float(value),)

    def _value(self, name: str, default: Any) -> Any:
        text = self._attrs.get(name)
        if text is None or text == "":
            if default is _MISSING:
                raise EngineError(
                    f"The operator {self.node.op} lacks its setting {name!r}",
                    where=f"node {self.node.name!r}",
                )
            return default
        if not isinstance(text, str):
            return text
        try:
            return setting_value(text)
        except ValueError as error:
            raise EngineError(
                f"The setting {name!r} of the operator {self.node.op} is no number",
                received=repr(text)[:100],
                where=f"node {self.node.name!r}",
            ) from error
