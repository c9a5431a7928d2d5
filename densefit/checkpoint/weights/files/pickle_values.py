"""Values of a pickle, computed without Python's unpickler: a pickle is a program.

The unpickler imports and calls whatever a pickle names. Here the opcodes that plain values need are
computed one by one, and names are looked up in a table of the caller's; any other name ends the
reading. Nothing is imported, and memory is bounded by the size of the pickle.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

_MARK = object()
_PUSHED = frozenset(
    (
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
        *("BINSTRING", "SHORT_BINSTRING", "STRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    )
)
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT = frozenset(("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"))
_GET = frozenset(("BINGET", "LONG_BINGET", "GET"))
_SKIPPED = frozenset(("PROTO", "FRAME"))


class RefusedPickleError(ValueError):
    """A pickle names or does something that plain values do not need."""


@dataclass(frozen=True)
class Named:
    """A name in a pickle, e.g. `torch.FloatStorage`, with its entry in the caller's table."""

    name: str
    meaning: Any


def evaluate(
    stream: BinaryIO, meanings: Mapping[str, Any], persistent: Callable[[Any], Any]
) -> Any:
    """Compute the value of the next pickle in a stream, which is left behind it.

    Args:
        stream: binary stream at the beginning of a pickle.
        meanings: "module.name" -> function that the pickle may call with values, or any value.
        persistent: persistent id -> value.

    Raises:
        RefusedPickleError: the pickle names something else, or has opcodes of other objects.
        ValueError: the pickle is damaged.
    """
    machine = _Machine(meanings, persistent)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except (IndexError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"the pickle is damaged ({type(error).__name__}: {error})") from error
    raise ValueError("the pickle is damaged: it has no end")


class _Machine:
    """Stack and memo of a pickle."""

    def __init__(self, meanings: Mapping[str, Any], persistent: Callable[[Any], Any]) -> None:
        self.meanings, self.persistent = meanings, persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        return self.stack.pop()

    def above_mark(self) -> list[Any]:
        """Pop the values above the last mark, and the mark."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is _MARK:
                values = self.stack[index + 1 :]
                del self.stack[index:]
                return values
        raise ValueError("the pickle is damaged: a mark is missing")

    def step(self, opcode: str, argument: Any) -> None:
        """Compute one opcode."""
        push = self.stack.append
        if opcode in _PUSHED:
            push(argument)
        elif opcode in _CONSTANTS:
            push(_CONSTANTS[opcode])
        elif opcode in _PUT:
            self.memo[len(self.memo) if argument is None else argument] = self.stack[-1]
        elif opcode in _GET:
            push(self.memo[argument])
        elif opcode == "MARK":
            push(_MARK)
        elif opcode in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET"):
            push({} if opcode == "EMPTY_DICT" else [])
        elif opcode in ("DICT", "LIST"):
            values = self.above_mark()
            push(pairs(values) if opcode == "DICT" else values)
        elif opcode in _TUPLES:
            count = _TUPLES[opcode]
            values = [self.pop() for _ in range(count)][::-1]
            push(tuple(values))
        elif opcode == "TUPLE":
            push(tuple(self.above_mark()))
        elif opcode in ("SETITEM", "SETITEMS"):
            values = self.above_mark() if opcode == "SETITEMS" else [self.pop(), self.pop()][::-1]
            _expect(self.stack[-1], dict).update(pairs(values))
        elif opcode in ("APPEND", "APPENDS", "ADDITEMS"):
            values = [self.pop()] if opcode == "APPEND" else self.above_mark()
            _expect(self.stack[-1], list).extend(values)
        elif opcode in ("GLOBAL", "STACK_GLOBAL"):
            parts = argument.split(" ", 1) if opcode == "GLOBAL" else [self.pop(), self.pop()][::-1]
            push(self._named(".".join(parts)))
        elif opcode in ("REDUCE", "NEWOBJ"):
            values = self.pop()
            push(_call(self.pop(), values))
        elif opcode == "BUILD":
            self.pop()  # attributes of a state dict (its versions) or of a namespace
            _expect(self.stack[-1], dict)
        elif opcode == "BINPERSID":
            push(self.persistent(self.pop()))
        elif opcode not in _SKIPPED:
            raise RefusedPickleError(f"it has the opcode {opcode}, which no tensor needs")

    def _named(self, name: str) -> Named:
        if name not in self.meanings:
            raise RefusedPickleError(f"it names {name!r:.80}, which is neither tensor nor storage")
        return Named(name, self.meanings[name])


def _call(function: Any, values: Any) -> Any:
    if not isinstance(function, Named) or not callable(function.meaning):
        raise RefusedPickleError("it calls something that is no function of tensors")
    return function.meaning(*_expect(values, tuple))


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(
            f"the pickle is damaged: {type(value).__name__} in place of a {kind.__name__}"
        )
    return value


def pairs(values: list[Any]) -> dict[Any, Any]:
    """Make a dict of keys and values in turn.

    Raises:
        RefusedPickleError: a key is neither text nor a number. Hashes of nested tuples take for
            ever.
    """
    keys = values[::2]
    if len(values) % 2 or not all(isinstance(key, (str, int, float)) for key in keys):
        raise RefusedPickleError("it has a dict whose keys are neither text nor numbers")
    return dict(zip(keys, values[1::2]))
