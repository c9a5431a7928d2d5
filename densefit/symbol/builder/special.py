"""Functions of `sym` that are Python in MXNet, too: variables, groups, constants, scalars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np

from densefit.symbol.builder import json_format
from densefit.symbol.builder.attributes import dtype_text, hidden_name, text_of
from densefit.symbol.builder.dtypes import NUMBERS
from densefit.symbol.builder.functions import function
from densefit.symbol.builder.names import attribute_scope
from densefit.symbol.builder.nodes import Entry, Node
from densefit.symbol.builder.symbol import Symbol

_STORAGES = {"undefined": -1, "default": 0, "row_sparse": 1, "csr": 2}


def var(
    name: str,
    attr: Mapping[str, str] | None = None,
    shape: Sequence[int] | None = None,
    lr_mult: float | None = None,
    wd_mult: float | None = None,
    dtype: Any = None,
    init: Any = None,
    stype: str | None = None,
    **hidden: Any,
) -> Symbol:
    """Make a variable: an input, a parameter or a label.

    Args:
        name: its name.
        attr: further attributes.
        shape: its shape; 0 for an unknown dimension.
        lr_mult: factor on the learning rate.
        wd_mult: factor on the weight decay.
        dtype: its type.
        init: initializer, or its text.
        stype: storage type.
        hidden: attributes `__name__`.
    """
    if not isinstance(name, str):
        raise TypeError("Expect a string for variable `name`")
    values = {
        "__shape__": None if shape is None else text_of(shape),
        "__lr_mult__": None if lr_mult is None else text_of(lr_mult),
        "__wd_mult__": None if wd_mult is None else text_of(wd_mult),
        "__dtype__": None if dtype is None else str(NUMBERS[dtype_text(dtype)]),
        "__init__": init if init is None or isinstance(init, str) else init.dumps(),
        "__storage_type__": None if stype is None else str(_STORAGES[stype]),
    }
    attrs = {hidden_name(key): value for key, value in attribute_scope().get(attr).items()}
    attrs.update({key: value for key, value in values.items() if value is not None})
    for key, value in hidden.items():
        if not (key.startswith("__") and key.endswith("__")):
            raise ValueError(
                f"Attribute name={key} is not supported. Additional attributes must start and end "
                "with double underscores, e.g, __yourattr__"
            )
        attrs[key] = str(value)
    return Symbol([Entry(Node(None, name, attrs))])


Variable = var


def Group(symbols: Sequence[Symbol], create_fn: Any = Symbol) -> Symbol:  # noqa: N802
    """Join the outputs of several Symbols.

    Args:
        symbols: the Symbols.
        create_fn: accepted for compatibility.
    """
    if not symbols or any(not isinstance(symbol, Symbol) for symbol in symbols):
        raise TypeError("Expected a list of symbols as input")
    return Symbol([entry for symbol in symbols for entry in symbol.entries])


def load_json(json_str: str) -> Symbol:
    """Read a Symbol from its JSON."""
    if not isinstance(json_str, str):
        raise TypeError("fname required to be string")
    return Symbol(json_format.load(json_str))


def load(fname: str | Path) -> Symbol:
    """Read a Symbol from a file."""
    return load_json(Path(fname).read_text(encoding="utf-8"))


def _either(elementwise: str, scalar: str, swapped: str, numbers: Callable[..., Any]) -> Any:
    """A function of two Symbols, of a Symbol and a number, or of two numbers."""

    def call(left: Any, right: Any) -> Any:
        if isinstance(left, Symbol) and isinstance(right, Symbol):
            return function(elementwise)(left, right)
        if isinstance(left, Symbol) and isinstance(right, Number):
            return function(scalar)(left, scalar=right)
        if isinstance(left, Number) and isinstance(right, Symbol):
            return function(swapped)(right, scalar=left)
        if isinstance(left, Number) and isinstance(right, Number):
            return numbers(left, right)
        raise TypeError(f"types ({type(left)}, {type(right)}) not supported")

    return call


power = pow = _either("_Power", "_PowerScalar", "_RPowerScalar", lambda x, y: x**y)
maximum = _either("_Maximum", "_MaximumScalar", "_MaximumScalar", max)
minimum = _either("_Minimum", "_MinimumScalar", "_MinimumScalar", min)
hypot = _either("_Hypot", "_HypotScalar", "_HypotScalar", np.hypot)


def eye(N: int, M: int = 0, k: int = 0, dtype: Any = None, **settings: Any) -> Symbol:  # noqa: N803
    """Ones on a diagonal, zeros elsewhere."""
    return function("_eye")(N, M, k, dtype=dtype or np.float32, **settings)


def zeros(shape: Any, dtype: Any = None, **settings: Any) -> Symbol:
    """Zeros of a shape."""
    return function("_zeros")(shape=shape, dtype=dtype or np.float32, **settings)


def ones(shape: Any, dtype: Any = None, **settings: Any) -> Symbol:
    """Ones of a shape."""
    return function("_ones")(shape=shape, dtype=dtype or np.float32, **settings)


def full(shape: Any, val: float, dtype: Any = None, **settings: Any) -> Symbol:
    """An array of one number."""
    settings = {"shape": shape, "dtype": dtype or np.float32, "value": float(val), **settings}
    return function("_full")(**settings)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    infer_range: bool = False,
    name: str | None = None,
    dtype: Any = None,
) -> Symbol:
    """Numbers at equal distances."""
    settings: dict[str, Any] = {"start": start, "stop": stop, "step": step, "repeat": repeat}
    settings.update(infer_range=infer_range, name=name, dtype=dtype or np.float32)
    return function("_arange")(**settings)


def linspace(
    start: float,
    stop: float,
    num: int,
    endpoint: bool = True,
    name: str | None = None,
    dtype: Any = None,
) -> Symbol:
    """A count of numbers at equal distances."""
    settings = {"start": start, "stop": stop, "num": num, "endpoint": endpoint, "name": name}
    return function("_linspace")(dtype=dtype or np.float32, **settings)


def histogram(a: Symbol, bins: Any = 10, range: Any = None, **settings: Any) -> Symbol:
    """Counts of values, and the edges of their bins."""
    if isinstance(bins, Symbol):
        return function("_histogram")(data=a, bins=bins, **settings)
    if not isinstance(bins, int):
        raise ValueError("bins argument should be either an integer or an NDArray")
    if range is None:
        raise ValueError("null range is not supported in symbol mode")
    return function("_histogram")(data=a, bin_cnt=bins, range=range, **settings)


def split_v2(
    ary: Symbol, indices_or_sections: Any, axis: int = 0, squeeze_axis: bool = False
) -> Symbol:
    """Split an axis at indices, or into equal parts."""
    indices: list[int] = []
    sections = 0
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
    elif isinstance(indices_or_sections, tuple):
        indices = [0, *indices_or_sections]
    else:
        raise ValueError("indices_or_sections must either int or tuple of ints")
    return function("_split_v2")(ary, indices, axis, squeeze_axis, sections)
