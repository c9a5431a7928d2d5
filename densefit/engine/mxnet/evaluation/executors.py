"""Executors of eval graphs for inputs of several shapes, all on one set of parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.evaluation.program import EvalProgram
from densefit.engine.graph.fold_batchnorm import Fold, fold_parameters
from densefit.engine.mxnet.evaluation.executor import Executor
from densefit.engine.mxnet.ndarrays import to_ndarray
from densefit.engine.mxnet.symbols import as_mxnet
from densefit.errors import BindError

#: A parameter's name, and the fold that its value belongs to, if any.
Key = tuple[str, Fold | None]


class Executors:
    """Cache of executors, on one set of parameters.

    Executors share arrays of parameters and nothing else: with a shared memory pool, one would
    overwrite the outputs of another.

    Args:
        limit: executors in the cache; each holds the memory of a forward pass.
        values: largest number of values in all inputs together, so that there are few executors
            for large images; a larger executor is cached alone.

    Attributes:
        binds: executors bound so far.
    """

    def __init__(self, limit: int, values: int = 24 * 2**20) -> None:
        self.limit, self.values = limit, values
        self.binds = 0
        self._cache: OrderedDict[Any, Executor] = OrderedDict()
        self._sizes: dict[Any, int] = {}  # of their inputs
        self._values: dict[tuple[Any, Key], Any] = {}  # by device and key

    def find(self, key: Any) -> Executor | None:
        """Get a cached executor, and mark it as most recently used."""
        if key in self._cache:
            self._cache.move_to_end(key)
        return self._cache.get(key)

    def drop(self) -> None:
        """Empty the cache; the arrays of parameters stay."""
        self._cache.clear()
        self._sizes.clear()

    def bind(
        self,
        key: Any,
        program: EvalProgram,
        devices: Sequence[Any],
        rows: int,
        parameters: Callable[[], Mapping[str, np.ndarray]],
    ) -> Executor:
        """Bind an executor, and cache it under `key`.

        Args:
            key: key of the cache.
            program: program to bind.
            devices: MXNet contexts that share the rows.
            rows: number of rows on all devices.
            parameters: returns the current values of all parameters; called if some are new.

        Raises:
            BindError: MXNet cannot bind it (e.g. out of memory).
        """
        size = sum(int(np.prod(shape, dtype=np.int64)) for shape in program.inputs.values())
        while self._cache and (
            len(self._cache) >= self.limit or sum(self._sizes.values()) + size > self.values
        ):
            oldest, _ = self._cache.popitem(last=False)
            del self._sizes[oldest]
        count = round(rows / len(devices))
        edges = [*(count * number for number in range(len(devices))), rows]
        slices = [slice(first, last) for first, last in zip(edges, edges[1:])]
        try:
            parts = [
                self._part(program, device, (part.stop - part.start) / rows, parameters)
                for device, part in zip(devices, slices)
            ]
        except (mx.base.MXNetError, RuntimeError) as error:
            raise BindError(
                "MXNet cannot bind the eval graph",
                received=dict(program.inputs),
                fix=str(error).strip().splitlines()[-1],
            ) from error
        self.binds += 1
        self._cache[key], self._sizes[key] = Executor(parts, slices, rows, program), size
        return self._cache[key]

    def load(self, parameters: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Copy new values into the arrays that executors read."""
        if self._values:
            _fill(self._values, parameters())

    def _part(
        self,
        program: EvalProgram,
        device: Any,
        share: float,
        parameters: Callable[[], Mapping[str, np.ndarray]],
    ) -> Any:
        """Bind an MXNet executor for a device's share of the rows."""
        symbol = as_mxnet(program.symbol)
        input_shapes = {
            name: (round(shape[0] * share), *shape[1:]) for name, shape in program.inputs.items()
        }
        shapes, _, states = symbol.infer_shape(**input_shapes)
        kinds, _, state_kinds = symbol.infer_type(**program.types)
        if kinds is None:  # the graph leaves some open: MXNet's own default
            kinds = [program.types.get(name, np.float32) for name in symbol.list_arguments()]
            state_kinds = [np.float32 for _ in states]
        folded = {name: fold for fold in program.folds for name in (fold.weight, fold.bias)}
        arrays: dict[str, Any] = {}
        fresh: dict[tuple[Any, Key], Any] = {}
        for name, shape, kind in [
            *zip(symbol.list_arguments(), shapes, kinds),
            *zip(symbol.list_auxiliary_states(), states, state_kinds),
        ]:
            if name in input_shapes:
                arrays[name] = mx.nd.zeros(shape, ctx=device, dtype=kind)
                continue
            value_key = (device, (name, folded.get(name)))
            if value_key not in self._values:
                fresh[value_key] = mx.nd.empty(shape, ctx=device, dtype=kind)
            arrays[name] = (
                self._values[value_key] if value_key in self._values else fresh[value_key]
            )
        if fresh:
            _fill(fresh, parameters())
            self._values.update(fresh)  # only now: an array without its value must not be kept
        return symbol.bind(
            device,
            {name: arrays[name] for name in symbol.list_arguments()},
            grad_req="null",
            aux_states={name: arrays[name] for name in symbol.list_auxiliary_states()},
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
        # By MXNet's engine: a layer may have reordered its weight, and only the engine can write
        # to such an array.
        source = to_ndarray(value)
        source.copyto(array)
        sources.append(source)
    # Keep references until they are read: dropping the last one, MXNet's threads would wait for
    # Python's lock.
    for array in arrays.values():
        array.wait_to_read()
