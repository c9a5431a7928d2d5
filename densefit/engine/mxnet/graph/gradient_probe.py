"""Refuse to train a graph whose gradients MXNet would sum wrongly.

If at least MXNET_EXEC_INPLACE_GRAD_SUM_CAP gradients are summed into one array, MXNet adds them
in place, and some operators overwrite the sum. `densefit.backend` sets the variable to a value that
is never reached, unless MXNet has already bound a graph with gradients, or the user has set it.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Collection

from densefit.backend import GRADIENT_SUM_CAP, mx
from densefit.engine.graph.losses import BLOCKING
from densefit.engine.mxnet.graph.overwriting_ops import OVERWRITING
from densefit.errors import EngineError
from densefit.model.symbol_graph import Node, SymbolGraph

_log = logging.getLogger("densefit")
_USUAL = 64  # gradients that meet in one array of a network, at most


@functools.cache
def adds_in_place(count: int) -> bool:
    """Whether MXNet adds `count` gradients of an array in place.

    Differentiates a tiny graph, once per process: 8 ms for 64 gradients.
    """
    x = mx.sym.Variable("x") * 1
    # MXNet would merge equal expressions.
    read = [mx.sym.clip(x, a_min=-1, a_max=number + 1) for number in range(count)]
    executor = mx.sym.MakeLoss(mx.sym.add_n(*read)).simple_bind(mx.cpu(), x=(1,))
    executor.arg_dict["x"][:] = 0
    executor.forward(is_train=True)
    executor.backward()
    return bool(executor.grad_dict["x"].asscalar() != count)


def check_gradient_sums(graph: SymbolGraph, trained: Collection[str]) -> None:
    """Raise EngineError if MXNet would compute wrong gradients for a graph.

    If only other graphs are affected, a warning is logged once.

    Args:
        graph: graph for training.
        trained: names of its parameters that have gradients.
    """
    meeting = gradients_meeting(graph, trained)
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


def gradients_meeting(graph: SymbolGraph, trained: Collection[str]) -> dict[str, int]:
    """Count the gradients that meet in a node's output, if an overwriting operator sends one.

    Only arrays that gradients of parameters pass through count.

    Args:
        graph: graph for training.
        trained: names of its parameters that have gradients.

    Returns:
        name of the node -> number.
    """
    learning: set[Node] = set()  # nodes that a gradient passes through to a parameter
    for node in graph.nodes:
        passes = node.op not in BLOCKING and any(source.node in learning for source in node.inputs)
        if passes or (node.is_variable and node.name in trained):
            learning.add(node)
    senders: dict[tuple[Node, int], list[str]] = {}  # array -> operators that send it a gradient
    for head in graph.heads:
        senders.setdefault(head[:2], []).append("")
    reached = {head.node for head in graph.heads}
    for node in reversed(graph.nodes):
        if node in reached and node.op not in BLOCKING:
            for source in node.inputs:
                reached.add(source.node)
                senders.setdefault(source[:2], []).append(node.op)
    meeting: dict[str, int] = {}
    for (node, _), operators in senders.items():
        if node in learning and OVERWRITING.intersection(operators):
            meeting[node.name] = max(meeting.get(node.name, 0), len(operators))
    return meeting


@functools.cache
def _warn(fix: str) -> None:
    _log.warning(
        "MXNet adds gradients in place where many meet, and operators such as mean and clip then "
        "overwrite them. This network is not affected; others would be trained wrongly. Fix: %s.",
        fix,
    )
