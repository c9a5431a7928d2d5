"""Print which operators' gradients do not add up: run as a script, in a fresh process.

{"wrong": those that err where many gradients meet, "overwriting": those that err where a gradient
is to be added to its array (grad_req="add"), "right": the others that were tried, "failed": {those
that MXNet refused: why}, "unlisted": those that are missing in `gradient_operators.py`}.
Each operator is applied to an array that others use too, by each of its inputs in turn. The
gradient that arrives there must be the sum of those of single uses. With the argument "sums" alone,
"overwriting" is not tried.
"""

import ctypes
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from gradient_operators import ALIKE, CALLS, REQUIRED, UNTRIED

USES = "ppopopopppp"  # of the array in turn: by x + 1, whose gradients add up, and by the operator
CONSTANTS = {"half": 0.5, "ones": 1, "twos": 2}


def graph(mx, op, settings, inputs, shared, uses, direct=False):
    """A Symbol of the uses of one computed array, which is the operator's input `shared`.

    Where they are `direct`, they are uses of the argument that it is computed from.
    """
    nodes = [{"op": "null", "name": f"x{i}", "inputs": []} for i in range(inputs)]
    computed = {"op": "_mul_scalar", "name": "y", "attrs": {"scalar": "1"}}
    nodes.append({**computed, "inputs": [[shared, 0, 0]]})
    entries = [[inputs if i == shared and not direct else i, 0, 0] for i in range(inputs)]
    attrs = {key: str(value) for key, value in settings.items()}
    for number, use in enumerate(uses):
        node = {"op": op, "attrs": attrs, "inputs": entries}
        if use == "p":
            node = {"op": "_plus_scalar", "attrs": {"scalar": "1"}, "inputs": [[inputs, 0, 0]]}
        nodes.append({**node, "name": f"use{number}"})
    made = {
        "nodes": nodes,
        "arg_nodes": list(range(inputs)),
        "node_row_ptr": list(range(len(nodes) + 1)),
        "heads": [[inputs + 1 + number, 0, 0] for number in range(len(uses))],
        "attrs": {"mxnet_version": ["int", 10901]},
    }
    return mx.sym.load_json(json.dumps(made))


def bind(mx, symbol, values, fixed, request="write"):
    """An executor with gradients of all inputs but `fixed`."""
    arguments = {n: values[n] for n in symbol.list_arguments()}
    auxiliary = {n: values[n].copy() for n in symbol.list_auxiliary_states()}
    gradients = {n: mx.nd.zeros(values[n].shape) for n in arguments if n not in fixed}
    requests = {n: request if n in gradients else "null" for n in arguments}
    return symbol.bind(mx.cpu(), arguments, gradients, requests, auxiliary)


def inputs_of(mx, shapes, special):
    """(name -> NDArray, names that get no gradient)."""
    rng = np.random.default_rng(0)
    values = {}
    for number, shape in enumerate(shapes):
        drawn = rng.uniform(special.get("low", 0.1), special.get("high", 0.9), shape)
        if special.get("positive"):
            drawn = drawn @ drawn.T + np.eye(len(drawn))
        constant = special.get(number)
        if constant is not None:
            constant = CONSTANTS[constant] if isinstance(constant, str) else constant
            drawn = np.broadcast_to(np.asarray(constant, float), shape)
        values[f"x{number}"] = mx.nd.array(drawn)
    return values, {f"x{number}" for number in range(len(shapes)) if number in special}


def rows_of(mx, array):
    """NDArrays of the rows; MXNet's rows of a vector have a dimension too many."""
    return [mx.nd.array(row) for row in array] if array.ndim == 1 else mx.nd.array(array)


def error(mx, call, values, fixed, name):
    """Of the gradient that arrives at the input `name`, relative to its largest number."""
    op, settings, special = call
    number, rng = list(values).index(name), np.random.default_rng(1)
    one = bind(mx, graph(mx, op, settings, len(values), number, "o"), values, fixed)
    shape = one.forward(is_train=True)[0].shape
    drawn = {
        use: rng.normal(1, 1, (USES.count(use), *size)).astype("float32")
        for use, size in (("p", values[name].shape), ("o", shape))
    }
    arrays = {use: rows_of(mx, value) for use, value in drawn.items()}
    heads = [arrays[use][USES[:place].count(use)] for place, use in enumerate(USES)]
    # of the gradient; those of x + 1 are what comes back
    parts = [drawn["p"].sum(axis=0, dtype=float)]
    for use, head in zip(USES, heads):
        if use == "o":
            one.forward(is_train=True)
            one.backward([head])
            parts.append(one.grad_dict[name].asnumpy().astype(float))
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError("the gradient of these inputs is not finite")
    many = bind(mx, graph(mx, op, settings, len(values), number, USES), values, fixed)
    outputs = many.forward(is_train=True)
    if special.get("linear"):  # what it draws at each forward shows in its outputs
        parts[1:] = [
            (head * output / values[name]).asnumpy()
            for use, head, output in zip(USES, heads, outputs)
            if use == "o"
        ]
    many.backward(heads)
    total, expected = many.grad_dict[name].asnumpy(), sum(parts)
    return np.abs(total - expected).max() / np.abs(expected).max()


def keeps(mx, call, values, fixed, name):
    """Whether the gradient of the input `name` is added to its array if that is asked for."""
    op, settings, _ = call
    symbol = graph(mx, op, settings, len(values), list(values).index(name), "o", direct=True)
    found = []
    for request in ("write", "add"):
        executor = bind(mx, symbol, values, fixed, request)
        (output,) = executor.forward(is_train=True)[:1]
        executor.grad_dict[name][:] = 3
        executor.backward([mx.nd.array(np.ones(output.shape))])
        found.append(executor.grad_dict[name].asnumpy().astype(float))
    return np.allclose(found[0] + 3, found[1], rtol=1e-3, atol=1e-3 * np.abs(found[0]).max())


def try_operator(mx, adding, op, settings, shapes, special):
    """(relative error where gradients meet, whether "add" adds) at each input with a gradient.

    Whether "add" adds is tried if `adding`.
    """
    values, fixed = inputs_of(mx, shapes, special)
    found = []
    for name in values:
        if name not in fixed:
            call = (op, settings, special)
            try:
                adds = not adding or special.get("linear") or keeps(mx, call, values, fixed, name)
                found.append((error(mx, call, values, fixed, name), adds))
            except (mx.base.MXNetError, RuntimeError) as problem:
                if "FGradient" not in str(problem) and "differentiable" not in str(problem):
                    raise
    return found


def calls():
    """(operator, settings, shapes of its inputs, special) of all that are tried."""
    for name, (settings, *rest) in CALLS.items():
        yield (name.split("#")[0], settings, *rest)
    for shape, names in ALIKE.items():
        for op in names.split():
            yield op, {}, shape, {}


def complete(mx, op, settings, shapes, special):
    """A call with the operator's required settings, and as many inputs as it takes."""
    signature = mx.operator.get_operator_arguments(op)
    kinds = dict(zip(signature.names, signature.types))
    if isinstance(shapes, tuple):
        lists = any("Symbol[]" in kind for kind in kinds.values())
        shapes = [shapes] * (sum("Symbol" in kind for kind in kinds.values()) + lists)
    required = {
        name: REQUIRED[name]
        for name, kind in kinds.items()
        if "Symbol" not in kind and "required" in kind and name in REQUIRED
    }
    if any("Symbol[]" in kind for kind in kinds.values()):
        required["num_args"] = len(shapes)
    return op, {**required, **settings}, shapes, special


def unlisted(mx):
    """Registered operators of forward passes that neither are tried nor have a reason not to be."""
    named = {op for op, *_ in calls()} | {op for ops in UNTRIED.values() for op in ops.split()}
    parts = [op[1:] for op in named if op.startswith("*")]
    names: dict = {}
    for op in mx.operator.get_all_registered_operators():
        handle = ctypes.c_void_p()
        mx.base._LIB.NNGetOpHandle(mx.base.c_str(op), ctypes.byref(handle))
        names.setdefault(handle.value, set()).add(op)  # with its aliases
    return sorted(
        min(aliases)
        for aliases in names.values()
        if not aliases & named
        and not any(part in op for op in aliases for part in ["backward", *parts])
    )


def scan(mx, adding):
    """Operators -> what came of them; see this file."""
    registered = set(mx.operator.get_all_registered_operators())
    wrong, overwriting, right, failed = set(), set(), set(), {}
    for op, *rest in calls():
        if op not in registered:
            continue
        try:
            found = try_operator(mx, adding, *complete(mx, op, *rest))
        except (mx.base.MXNetError, RuntimeError, ValueError) as problem:
            failed[op] = str(problem).strip().splitlines()[-1]
            continue
        right.add(op)
        if not all(error < 1e-3 for error, _ in found):
            wrong.add(op)
        if not all(adds for _, adds in found):
            overwriting.add(op)
    return {
        "wrong": sorted(wrong),
        "overwriting": sorted(overwriting),
        "right": sorted(right - wrong),
        "failed": failed,
        "unlisted": unlisted(mx),
    }


if __name__ == "__main__":
    from densefit.backend import mx

    print(json.dumps(scan(mx, adding="sums" not in sys.argv[1:])))
