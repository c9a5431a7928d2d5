"""Types of a graph: most operators compute in one type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from densefit.errors import BindError
from densefit.symbol.builder.dtypes import NAMES, NUMBERS
from densefit.symbol.builder.nodes import Node, nodes_of

if TYPE_CHECKING:
    from densefit.symbol.builder.symbol import Symbol

#: Operators with inputs of any type (by position): indices and conditions.
_FREE = {
    "take": (1,),
    "Embedding": (0,),
    "pick": (1,),
    "gather_nd": (1,),
    "scatter_nd": (1,),
    "where": (0,),
    "batch_take": (1,),
    "SequenceMask": (1,),
    "SequenceLast": (1,),
    "SequenceReverse": (1,),
    "reshape_like": (1,),
    "one_hot": (0,),
    "Cast": (0,),
    "amp_cast": (0,),
    "argsort": (0,),
    "shape_array": (0,),
    "size_array": (0,),
    "all_finite": (0,),
}
#: Operators whose output has the type of a setting, or of the entry here.
_OUTPUT = {
    "shape_array": "int64",
    "size_array": "int64",
    "all_finite": "float32",
    "multi_all_finite": "float32",
    "_contrib_index_array": "int64",
    "_image_to_tensor": "float32",
    "multi_sum_sq": "float32",
}
_BY_SETTING = ("Cast amp_cast _zeros _ones _full _arange _eye _linspace one_hot argsort").split()
_CAST_TYPES = ("", "float32", "float16", "bfloat16")  # of automatic mixed precision
_NORMS = ("BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU")


#: (type or "", outputs of nodes that share it)
Group = tuple[str, Sequence[tuple[int, int]]]


def infer_types(
    symbol: Symbol, types: Sequence[Any], named: Mapping[str, Any], is_partial: bool
) -> tuple[Any, Any, Any]:
    """Types of (arguments, outputs, auxiliary states).

    Args:
        symbol: the graph.
        types: types of the arguments in their order.
        named: types of arguments by name.
        is_partial: whether unknown ones may be among them; else (None, None, None).

    Raises:
        BindError: types contradict each other.
    """
    if types and named:
        raise ValueError("Types are given by position or by name, not both")
    arguments = symbol.list_arguments()
    given_types = dict(named) or {n: kind for n, kind in zip(arguments, types) if kind is not None}
    nodes = nodes_of(symbol.entries)
    slots: dict[int, list[str]] = {id(node): [""] * node.form.computed for node in nodes}
    for node in nodes:
        if node.is_variable:
            number = node.attrs.get("__dtype__", "-1")
            kind = given_types.get(node.name)
            text = NAMES.get(int(number), "") if kind is None else np.dtype(kind).name
            slots[id(node)] = [text]
    before: Any = None
    while before != slots:
        before = {key: list(kinds) for key, kinds in slots.items()}
        for node in nodes:
            if not node.is_variable:
                _apply(node, slots)
    names = set(arguments)
    variables = [(node.name in names, slots[id(node)][0]) for node in nodes if node.is_variable]
    parts = (
        [kind for is_argument, kind in variables if is_argument],
        [slots[id(entry.node)][entry.number] for entry in symbol.entries],
        [kind for is_argument, kind in variables if not is_argument],
    )
    if not is_partial and not all(kind for part in parts for kind in part):
        return None, None, None
    arguments_types, outputs, states = ([_class_of(kind) for kind in part] for part in parts)
    return arguments_types, outputs, states


def _class_of(name: str) -> Any:
    return np.dtype(name).type if name else None


def _apply(node: Node, slots: Mapping[int, list[str]]) -> None:
    """Spread the type of one input or output of a node to the others."""
    for fixed, members in _groups(node, slots):
        kinds = [fixed, *(slots[key][number] for key, number in members)]
        known_kinds = sorted({kind for kind in kinds if kind})
        if len(known_kinds) > 1:
            raise BindError(
                f"Types do not fit the operator {node.operator.name if node.operator else ''}",
                received=" and ".join(known_kinds),
                where=f"the layer {node.name!r}",
            )
        for key, number in members if known_kinds else ():
            slots[key][number] = known_kinds[0]


def _groups(node: Node, slots: Mapping[int, list[str]]) -> Iterator[Group]:
    """Inputs and outputs that share a type."""
    name = node.operator.name if node.operator else ""
    inputs = [(id(entry.node), entry.number) for entry in node.inputs]
    outputs = [(id(node), number) for number in range(node.form.computed)]
    free = _FREE.get(name, ())
    tied = [slot for at, slot in enumerate(inputs) if at not in free]
    if name in _OUTPUT:
        yield _OUTPUT[name], outputs
    elif name == "amp_cast" and _kind(inputs[0], slots) not in _CAST_TYPES:
        yield "", [*inputs, *outputs]
    elif name == "_sample_multinomial":
        yield _setting(node, "dtype"), outputs[:1]
        yield "", [*inputs, *outputs[1:]]
    elif name in _BY_SETTING or _draws(name):
        yield from _by_setting(node, tied, outputs)
    elif name == "topk":
        yield from _topk(node, tied, outputs)
    elif name in ("softmax", "log_softmax", "softmin") and _setting(node, "dtype") != "None":
        yield _setting(node, "dtype"), outputs
    elif name in ("softmax", "log_softmax", "softmin"):
        yield "", [*tied[:1], *outputs]
    elif name not in _NORMS:
        yield "", [*tied, *outputs]
    else:  # half precision keeps its statistics in single
        yield "", [inputs[0], outputs[0]]
        kind = _kind(inputs[0], slots)
        yield "float32" if kind == "float16" else kind, [*inputs[1:], *outputs[1:]]


def _draws(name: str) -> bool:
    """Whether an operator draws numbers of the type of its setting."""
    return name.startswith(("_random_", "_sample_")) and not name.endswith("_like")


def _kind(slot: tuple[int, int], slots: Mapping[int, list[str]]) -> str:
    return slots[slot[0]][slot[1]]


def _setting(node: Node, name: str) -> str:
    default: Callable[[str], str] = node.operator.default if node.operator else str
    return node.attrs.get(name, default(name))


def _by_setting(node: Node, tied: Any, outputs: Any) -> Iterator[Group]:
    kind = _setting(node, "dtype")
    yield (kind if kind in NUMBERS else "float32"), outputs
    if tied:
        yield "", tied


def _topk(node: Node, tied: Any, outputs: Any) -> Iterator[Group]:
    """Values have the type of the input, indices that of the setting."""
    returns = _setting(node, "ret_typ")
    if returns == "indices":
        yield _setting(node, "dtype"), outputs[:1]
    else:
        yield "", [*tied, *outputs[:1]]
        yield _setting(node, "dtype"), outputs[1:]
