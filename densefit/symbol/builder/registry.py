"""Read MXNet's registry of operators, to write `operators.json`.

    python -m densefit.symbol.builder.registry    # where MXNet is installed

The registry lists the parameters of an operator. Names of inputs, auxiliary states and outputs are
functions of its settings: they are read from nodes that MXNet makes with each combination of the
settings that matter.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import re
from pathlib import Path
from typing import Any

from densefit.backend import mx

TABLE = Path(__file__).with_name("operators.json")
_SKIPPED = re.compile("_backward_|_sg_mkldnn|_Cached|_CrossDevice|_NoGradient|_Native|_ND|reset_a")
_NAME = "layer"  # of the nodes that are made
#: Operator -> settings that it refuses to be without.
_NEEDED = {
    "Pooling": {"kernel": "(1, 1)"},
    "Pooling_v1": {"kernel": "(1, 1)"},
    "_contrib_quantized_pooling": {"kernel": "(1, 1)"},
    "_linspace": {"stop": "2"},
    "_npi_linspace": {"stop": "2"},
    "_npi_tensordot_int_axes": {"axes": "1"},
    "_npx_pooling": {"kernel": "(1, 1)"},
}
_SPECIAL = {"axes": "(0,)", "op_type": "densefit_unknown", "indices": "(0,)"}


def read_registry() -> dict[str, dict[str, Any]]:
    """Name of each operator and alias -> its entry in the table, sorted by name."""
    table: dict[str, dict[str, Any]] = {}
    for alias in sorted(_names()):
        if _SKIPPED.match(alias):
            continue
        table[alias] = _signature(alias)
    for alias, entry in table.items():
        if entry["op"] in table and entry["op"] != alias:
            table[alias] = {"op": entry["op"]}
    return table


def write(path: Path = TABLE) -> None:
    """Write the table, one operator in a line."""
    rows = [
        f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
        for name, entry in read_registry().items()
    ]
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def _names() -> list[str]:
    size, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    mx.base.check_call(mx.base._LIB.MXListAllOpNames(ctypes.byref(size), ctypes.byref(names)))
    return [names[i].decode() for i in range(size.value)]


def _handle(alias: str) -> ctypes.c_void_p:
    handle = mx.base.OpHandle()
    mx.base.check_call(mx.base._LIB.NNGetOpHandle(alias.encode(), ctypes.byref(handle)))
    return handle


def _arguments(alias: str) -> tuple[dict[str, str], str]:
    """(argument -> its type, name of the parameter that counts the inputs or "")."""
    name, text, counter, result = (ctypes.c_char_p() for _ in range(4))
    count = ctypes.c_uint()
    names, types, texts = (ctypes.POINTER(ctypes.c_char_p)() for _ in range(3))
    info = [name, text, count, names, types, texts, counter, result]
    mx.base.check_call(
        mx.base._LIB.MXSymbolGetAtomicSymbolInfo(_handle(alias), *map(ctypes.byref, info))
    )
    kinds = {names[i].decode(): types[i].decode() for i in range(count.value)}
    return kinds, (counter.value or b"").decode()


def _node(alias: str, settings: dict[str, str]) -> dict[str, Any] | None:
    """Compose a node whose inputs are variables; None if MXNet refuses the settings."""
    symbol = mx.sym.Symbol(mx.base.SymbolHandle())
    keys, values = mx.base.c_str_array(settings), mx.base.c_str_array(settings.values())
    library = mx.base._LIB
    try:
        mx.base.check_call(
            library.MXSymbolCreateAtomicSymbol(
                _handle(alias), len(settings), keys, values, ctypes.byref(symbol.handle)
            )
        )
        symbol._compose(name=_NAME)
        names = symbol.list_inputs()
    except mx.base.MXNetError:
        return None
    states, attrs = set(symbol.list_auxiliary_states()), symbol.attr_dict()
    inputs = [name.removeprefix(f"{_NAME}_") for name in names]
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    start, end = graph["node_row_ptr"][-2:]
    starts = {
        str(i): attrs[name]["__init__"]
        for i, name in enumerate(names)
        if "__init__" in attrs.get(name, {})
    }
    visible = [name.removeprefix(f"{_NAME}_") for name in symbol.list_outputs()]
    node: dict[str, Any] = {"op": graph["nodes"][-1]["op"], "inputs": inputs}
    states_at = [i for i, name in enumerate(names) if name in states]
    if states_at:
        node["states"] = states_at
    mutated = [i for i, (_, _, version) in enumerate(graph["nodes"][-1]["inputs"]) if version]
    if mutated != states_at:
        node["mutated"] = mutated
    if visible != ["output"]:
        node["outputs"] = visible
    if end - start != len(visible):
        node["computed"] = end - start
    if starts:
        node["starts"] = starts
    return node


def _values(kind: str) -> list[str]:
    """The values of a parameter that has few."""
    if kind.startswith("boolean"):
        return ["False", "True"]
    if kind.startswith("{"):
        return [text.strip().strip("'") for text in kind[1 : kind.index("}")].split(",")]
    return []


def _required(name: str, kind: str) -> str:
    if name in _SPECIAL:
        return _SPECIAL[name]
    if _values(kind):
        return _values(kind)[0]
    if kind.startswith(("Shape", "tuple")):
        return "(1, 1)"
    return "1"


def _signature(alias: str) -> dict[str, Any]:
    """The entry of an operator in the table."""
    kinds, counter = _arguments(alias)
    listed = [name for name, kind in kinds.items() if kind.startswith(("NDArray", "Symbol"))]
    parameters = {name: kind for name, kind in kinds.items() if name not in listed}
    base = {n: _required(n, kind) for n, kind in parameters.items() if "required" in kind}
    base.update(_NEEDED.get(alias, {}))
    if counter:
        base.setdefault(counter, "1")
    node = _node(alias, base)
    entry: dict[str, Any] = {**(node or {"op": alias, "inputs": listed, "open": True})}
    if [name for name in kinds if name in listed] != entry["inputs"]:
        entry["listed"] = listed
    entry["parameters"] = parameters
    if any(kinds[name].endswith("[]") for name in listed):
        entry["many"] = True
    if counter:
        entry["counter"] = counter
    if node is not None:
        entry.update(_variants(alias, parameters, base, node))
    return entry


def _variants(
    alias: str, parameters: dict[str, str], base: dict[str, str], node: dict[str, Any]
) -> dict[str, Any]:
    """How settings change inputs, states and outputs."""
    entry: dict[str, Any] = {}
    effective: dict[str, list[str]] = {}
    for name, kind in parameters.items():
        values = _values(kind)
        if any(_node(alias, {**base, name: value}) not in (node, None) for value in values):
            effective[name] = values
        elif not values:
            three = _node(alias, {**base, name: "3"}) or {}
            if three.get("outputs") == ["output0", "output1", "output2"]:
                entry["counts_outputs"] = name
    if effective:
        entry["by"] = list(effective)
        entry["variants"] = {
            ",".join(values): {key: value for key, value in variant.items() if key != "op"}
            for values in itertools.product(*effective.values())
            if (variant := _node(alias, {**base, **dict(zip(effective, values))})) is not None
        }
    return entry


if __name__ == "__main__":
    write()
