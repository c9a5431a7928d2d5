"""Refuse to train a graph whose gradients MXNet would not add up rightly.

Where as many gradients meet in one array as MXNET_EXEC_INPLACE_GRAD_SUM_CAP says, MXNet adds them
in place, and some operators overwrite what is there. `densefit.backend` sets the number out of
reach; that is in vain if MXNet has bound a graph with gradients before, and the user's own wins.
"""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Collection
from typing import Any

from densefit.backend import GRADIENT_SUM_CAP, mx
from densefit.engine.mxnet.graph.overwriting_ops import OVERWRITING
from densefit.errors import EngineError

_log = logging.getLogger("densefit")
#: Send no gradient to what they read.
BLOCKING = {"BlockGrad", "zeros_like", "ones_like", "shape_array", "argmax", "argmin", "one_hot"}
_USUAL = 64  # gradients that meet in one array of a network, at most


@functools.cache
def adds_in_place(count: int) -> bool:
    """Whether MXNet adds `count` gradients in place where they meet.

    A tiny graph is differentiated, which takes 8 ms for 64 gradients, once a process.
    """
    x = mx.sym.Variable("x") * 1
    # Of equal expressions MXNet would make one.
    read = [mx.sym.clip(x, a_min=-1, a_max=number + 1) for number in range(count)]
    executor = mx.sym.MakeLoss(mx.sym.add_n(*read)).simple_bind(mx.cpu(), x=(1,))
    executor.arg_dict["x"][:] = 0
    executor.forward(is_train=True)
    executor.backward()
    return bool(executor.grad_dict["x"].asscalar() != count)


def check_gradient_sums(symbol: Any, trained: Collection[str]) -> None:
    """Raise EngineError if MXNet would compute wrong gradients for a graph.

    A warning is logged, once, if it would for other graphs only.

    Args:
        symbol: a train graph.
        trained: names of its parameters that have gradients.
    """
    meeting = gradients_meeting(symbol, trained)
    worst = max(meeting, key=lambda name: meeting[name], default="")
    most = meeting.get(worst, 0)
    if not adds_in_place(max(most, _USUAL)):
        return
    value = os.environ.get(GRADIENT_SUM_CAP, "")
    if value.lstrip("-").isdigit() and 0 <= int(value) <= max(most, _USUAL):
        fix = f"unset {GRADIENT_SUM_CAP}, which is {value}, and start a new process"
    else:
        fix = "import densefit before MXNet binds the first graph with gradients"
    if most < 2 or not adds_in_place(most):
        _warn(fix)
        return
    cap = next(count for count in range(2, most + 1) if adds_in_place(count))
    raise EngineError(
        "MXNet would compute wrong gradients: it adds them in place, where operators overwrite",
        expected=f"fewer than {cap} gradients that meet in one array",
        received=f"up to {most}",
        where=f"the output of {worst!r}",
        fix=fix,
    )


def gradients_meeting(symbol: Any, trained: Collection[str]) -> dict[str, int]:
    """Node -> gradients that meet in its output, where one comes from an overwriting operator.

    Only arrays that gradients of parameters pass through count.

    Args:
        symbol: a train graph.
        trained: names of its parameters that have gradients.
    """
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    nodes = graph["nodes"]
    learns: list[bool] = []
    for node in nodes:
        passes = node["op"] not in BLOCKING and any(learns[entry[0]] for entry in node["inputs"])
        learns.append(passes or (node["op"] == "null" and node["name"] in trained))
    readers: dict[tuple[int, int], list[str]] = {}  # array -> those that send it a gradient
    for entry in graph["heads"]:
        readers.setdefault((entry[0], entry[1]), []).append("")
    reached = {entry[0] for entry in graph["heads"]}
    for number in reversed(range(len(nodes))):
        node = nodes[number]
        if number in reached and node["op"] not in BLOCKING:
            for entry in node["inputs"]:
                reached.add(entry[0])
                readers.setdefault((entry[0], entry[1]), []).append(node["op"])
    meeting: dict[str, int] = {}
    for (number, _), operators in readers.items():
        if learns[number] and OVERWRITING.intersection(operators):
            name = nodes[number]["name"]
            meeting[name] = max(meeting.get(name, 0), len(operators))
    return meeting


@functools.cache
def _warn(fix: str) -> None:
    _log.warning(
        "MXNet adds gradients in place where many meet, and operators such as mean and clip then "
        "overwrite them. This network has no such place; others would be trained wrongly. Fix: %s.",
        fix,
    )
