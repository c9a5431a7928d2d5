"""Executors of eval graphs for inputs of several shapes, all on one set of parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet.evaluation.executor import Executor, Program
from densefit.engine.mxnet.graph.fold_batchnorm import Fold, fold_parameters
from densefit.engine.mxnet.ndarrays import to_ndarray
from densefit.errors import BindError

#: A parameter's name, and the fold that its value takes part in, if any.
Key = tuple[str, Fold | None]


class Executors:
    """Cache of executors, on one set of parameters.

    Executors share arrays of parameters and nothing else: with a shared memory pool, one would
    overwrite the outputs of another.

    Args:
        limit: executors in the cache; each holds the memory of a forward pass.
        values: numbers in all their inputs together, so that large images have few executors; an
            executor with more is cached alone.

    Attributes:
        binds: executors bound so far.
    """

    def __init__(self, limit: int, values: int = 24 * 2**20) -> None:
        self.limit, self.values = limit, values
        self.binds = 0
        self._kept: OrderedDict[Any, Executor] = OrderedDict()
        self._sizes: dict[Any, int] = {}  # of their inputs
        self._values: dict[tuple[Any, Key], Any] = {}  # by device and key

    def find(self, key: Any) -> Executor | None:
        """Get a cached executor, and mark it as used last."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def drop(self) -> None:
        """Empty the cache; the arrays of parameters stay."""
        self._kept.clear()
        self._sizes.clear()

    def bind(
        self,
        key: Any,
        program: Program,
        devices: Sequence[Any],
        rows: int,
        parameters: Callable[[], Mapping[str, np.ndarray]],
    ) -> Executor:
        """Bind an executor, and cache it under `key`.

        Args:
            key: of the cache.
            program: that is bound.
            devices: MXNet contexts, among which the rows can be split.
            rows: of all devices.
            parameters: returns the current values of all parameters; called if some are new.

        Raises:
            BindError: MXNet refuses (there is not enough memory, say).
        """
        size = sum(int(np.prod(shape, dtype=np.int64)) for shape in program.inputs.values())
        while self._kept and (
            len(self._kept) >= self.limit or sum(self._sizes.values()) + size > self.values
        ):
            oldest, _ = self._kept.popitem(last=False)
            del self._sizes[oldest]
        count = round(rows / len(devices))
        edges = [*(count * number for number in range(len(devices))), rows]
        slices = [slice(first, last) for first, last in zip(edges, edges[1:])]
        try:
            parts = [
                self._part(program, device, (own.stop - own.start) / rows, parameters)
                for device, own in zip(devices, slices)
            ]
        except (mx.base.MXNetError, RuntimeError) as error:
            raise BindError(
                "MXNet cannot bind the eval graph",
                received=dict(program.inputs),
                fix=str(error).strip().splitlines()[-1],
            ) from error
        self.binds += 1
        self._kept[key], self._sizes[key] = Executor(parts, slices, rows, program), size
        return self._kept[key]

    def load(self, parameters: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Copy new values into the arrays that executors read."""
        if self._values:
            _fill(self._values, parameters())

    def _part(
        self,
        program: Program,
        device: Any,
        share: float,
        parameters: Callable[[], Mapping[str, np.ndarray]],
    ) -> Any:
        """Bind an MXNet executor for a device's share of the rows."""
        symbol = program.symbol
        own = {
            name: (round(shape[0] * share), *shape[1:]) for name, shape in program.inputs.items()
        }
        shapes, _, states = symbol.infer_shape(**own)
        kinds, _, state_kinds = symbol.infer_type(**program.types)
        if kinds is None:  # the graph leaves some open: MXNet's own default
            kinds = [program.types.get(name, np.float32) for name in symbol.list_arguments()]
            state_kinds = [np.float32 for _ in states]
        folded = {name: one for one in program.folds for name in (one.weight, one.bias)}
        found: dict[str, Any] = {}
        fresh: dict[tuple[Any, Key], Any] = {}
        for name, shape, kind in [
            *zip(symbol.list_arguments(), shapes, kinds),
            *zip(symbol.list_auxiliary_states(), states, state_kinds),
        ]:
            if name in own:
                found[name] = mx.nd.zeros(shape, ctx=device, dtype=kind)
                continue
            place = (device, (name, folded.get(name)))
            if place not in self._values:
                fresh[place] = mx.nd.zeros(shape, ctx=device, dtype=kind)
            found[name] = self._values[place] if place in self._values else fresh[place]
        if fresh:
            _fill(fresh, parameters())
            self._values.update(fresh)  # only now: an array without its value must not be kept
        return symbol.bind(
            device,
            {name: found[name] for name in symbol.list_arguments()},
            grad_req="null",
            aux_states={name: found[name] for name in symbol.list_auxiliary_states()},
        )


def _fill(arrays: Mapping[tuple[Any, Key], Any], parameters: Mapping[str, np.ndarray]) -> None:
    """Copy the values of parameters into arrays, by device and key."""
    folds = {fold for _, (_, fold) in arrays if fold is not None}
    folded: dict[Key, np.ndarray] = {
        (name, fold): value
        for fold in folds
        for name, value in fold_parameters([fold], parameters).items()
    }
    sources = []
    for (_, key), array in arrays.items():
        value = folded[key] if key in folded else parameters[key[0]]
        # By the engine: a layer may have brought its weight to an order of its own, to which
        # nothing else can write.
        source = to_ndarray(value)
        source.copyto(array)
        sources.append(source)
    # Until they are read: MXNet's threads would wait for Python's lock to drop the last reference.
    for array in arrays.values():
        array.wait_to_read()
