"""Operators of Python on Symbols: nodes of the same operators and names as MXNet's."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any


def _binary(elementwise: str, scalar: str) -> Callable[[Any, Any], Any]:
    """A method for `symbol + symbol` and `symbol + 1`."""

    def method(self: Any, other: Any) -> Any:
        from densefit.symbol.builder.functions import function

        if isinstance(other, Arithmetic):
            return function(elementwise)(self, other)
        if isinstance(other, Number):
            return function(scalar)(self, scalar=other)
        raise TypeError(f"type {type(other)} not supported")

    return method


class Arithmetic:
    """Operators of Symbols; shapes must be equal, and comparisons give 1 and 0."""

    __array_priority__ = 1000.0
    __array_ufunc__ = None  # numpy's numbers leave the operators to Symbols
    __hash__ = None  # type: ignore[assignment]  # == makes a node

    __add__ = __radd__ = _binary("_Plus", "_PlusScalar")
    __sub__ = _binary("_Minus", "_MinusScalar")
    __rsub__ = _binary("_Minus", "_RMinusScalar")
    __mul__ = __rmul__ = _binary("_Mul", "_MulScalar")
    __div__ = __truediv__ = _binary("_Div", "_DivScalar")
    __rdiv__ = __rtruediv__ = _binary("_Div", "_RDivScalar")
    __mod__ = _binary("_Mod", "_ModScalar")
    __rmod__ = _binary("_Mod", "_RModScalar")
    __pow__ = _binary("_Power", "_PowerScalar")
    __rpow__ = _binary("_Power", "_rpower_scalar")
    __eq__ = _binary("_equal", "_equal_scalar")  # type: ignore[assignment]
    __ne__ = _binary("_not_equal", "_not_equal_scalar")  # type: ignore[assignment]
    __gt__ = _binary("_greater", "_greater_scalar")
    __ge__ = _binary("_greater_equal", "_greater_equal_scalar")
    __lt__ = _binary("_lesser", "_lesser_scalar")
    __le__ = _binary("_lesser_equal", "_lesser_equal_scalar")

    def __neg__(self) -> Any:
        return self * -1.0  # type: ignore[operator]

    def __abs__(self) -> Any:
        from densefit.symbol.builder.functions import function

        return function("abs")(self)

    def __bool__(self) -> bool:
        raise NotImplementedError("A Symbol is neither true nor false: it holds no numbers")

    def _in_place(self, other: Any) -> Any:
        raise NotImplementedError("A Symbol is not changed in place: write x = x + y")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __idiv__ = _in_place
