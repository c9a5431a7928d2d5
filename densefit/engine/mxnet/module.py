"""Bound mx.mod.Modules of a train graph, one for each shape of a batch."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet.inputs import Input
from densefit.errors import BindError

# MXNet's remarks on what densefit does on purpose (a second optimizer, say) go nowhere.
_silent = logging.getLogger("densefit.mxnet")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False

Shapes = Mapping[str, "tuple[int, ...]"]


@dataclass(frozen=True)
class TrainGraph:
    """A train graph and how it is bound, for batches of any shapes.

    Attributes:
        inputs: name -> bound input.
        data_names, label_names: of the inputs.
        devices: MXNet contexts.
        gradients: "write" or "add".
        fixed: parameters that have no gradient.
        symbol_for: shapes of the inputs -> the Symbol, rewritten for them by the graph passes.
        where: the heads, to be named in errors.
    """

    inputs: Mapping[str, Input]
    data_names: Sequence[str]
    label_names: Sequence[str]
    devices: Sequence[Any]
    gradients: str
    fixed: Sequence[str]
    symbol_for: Callable[[Shapes], Any]
    where: str = ""

    def bind(self, shapes: Shapes, shared: Any = None) -> Any:
        """Bind a Module for inputs of these shapes; it has parameters only if it shares some.

        Args:
            shapes: of the inputs.
            shared: a Module whose parameters, gradients and memory it shares.

        Raises:
            BindError: MXNet refuses (types do not fit, say, or there is not enough memory).
        """
        module = mx.mod.Module(
            self.symbol_for(shapes),
            data_names=list(self.data_names),
            label_names=list(self.label_names),
            context=list(self.devices),
            fixed_param_names=list(self.fixed),
            logger=_silent,
        )
        descs = {n: mx.io.DataDesc(n, shapes[n], own.dtype) for n, own in self.inputs.items()}
        try:
            module.bind(
                [descs[name] for name in self.data_names],
                [descs[name] for name in self.label_names] or None,
                for_training=True,
                grad_req=self.gradients,
                shared_module=shared,
            )
        except (mx.base.MXNetError, RuntimeError) as error:
            raise BindError(
                "MXNet cannot bind the train graph",
                received=[f"{d.name}: {d.shape} {np.dtype(d.dtype).name}" for d in descs.values()],
                where=self.where,
                fix=str(error).strip().splitlines()[-1],
            ) from error
        return module


class Modules:
    """Cache of a train graph's Modules by shape, on one set of parameters.

    Only one Module computes at a time, and its outputs are read before the next one computes: they
    share memory.

    Args:
        graph: that is bound.
        first: bound Module that has the parameters and the optimizer; never evicted.
        limit: Modules in the cache, beside the first.

    Attributes:
        binds: Modules bound so far, the first included.
        inputs: of the graph, by name.
        data_names, label_names: of the inputs, in bound order.
        is_steady: whether each Module stays bound to its shapes.
    """

    is_steady = True

    def __init__(self, graph: TrainGraph, first: Any, limit: int = 16) -> None:
        self.first, self.binds, self.inputs = first, 1, graph.inputs
        self.data_names, self.label_names = list(graph.data_names), list(graph.label_names)
        self._graph, self._limit = graph, limit
        self._first_key = self._key({n: own.shape for n, own in graph.inputs.items()})
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def of(self, shapes: Shapes) -> Any:
        """Get the Module for inputs of these shapes; bind it if it is not cached."""
        key = self._key(shapes)
        if key == self._first_key:
            return self.first
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        while len(self._kept) >= self._limit:
            self._kept.popitem(last=False)
        self._kept[key] = self._graph.bind(shapes, self.first)
        self.binds += 1
        return self._kept[key]

    def _key(self, shapes: Shapes) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(shapes[name]) for name in self._graph.inputs)
