"""Bound mx.mod.Modules of a train graph, one for each shape of a batch."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.graph.inputs import Input
from densefit.errors import BindError

# Silences MXNet's warnings about intended behaviour (e.g. a second optimizer).
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
        where: heads, for error messages.
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
            shapes: shapes of the inputs.
            shared: a Module whose parameters, gradients and memory are shared.

        Raises:
            BindError: MXNet cannot bind it (e.g. types do not fit, or out of memory).
        """
        module = mx.mod.Module(
            self.symbol_for(shapes),
            data_names=list(self.data_names),
            label_names=list(self.label_names),
            context=list(self.devices),
            fixed_param_names=list(self.fixed),
            logger=_silent,
        )
        descs = {n: mx.io.DataDesc(n, shapes[n], bound.dtype) for n, bound in self.inputs.items()}
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
        graph: graph that is bound.
        first: bound Module with the parameters and the optimizer; never evicted.
        limit: largest number of further Modules in the cache.

    Attributes:
        binds: Modules bound so far, the first included.
        inputs: inputs of the graph, by name.
        data_names, label_names: of the inputs, in bound order.
        is_steady: whether each Module stays bound to its shapes.
    """

    is_steady = True

    def __init__(self, graph: TrainGraph, first: Any, limit: int = 16) -> None:
        self.first, self.binds, self.inputs = first, 1, graph.inputs
        self.data_names, self.label_names = list(graph.data_names), list(graph.label_names)
        self._graph, self._limit = graph, limit
        self._first_key = self._key({n: bound.shape for n, bound in graph.inputs.items()})
        self._cache: OrderedDict[Any, Any] = OrderedDict()

    def of(self, shapes: Shapes) -> Any:
        """Get the Module for inputs of these shapes; bind it if it is not cached."""
        key = self._key(shapes)
        if key == self._first_key:
            return self.first
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        while len(self._cache) >= self._limit:
            self._cache.popitem(last=False)
        self._cache[key] = self._graph.bind(shapes, self.first)
        self.binds += 1
        return self._cache[key]

    def _key(self, shapes: Shapes) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(shapes[name]) for name in self._graph.inputs)
