"""Executors of eval graphs for inputs of several shapes, all on one set of parameters."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet.graph.fold_batchnorm import Fold, fold_parameters
from densefit.engine.mxnet.inputs import Input
from densefit.engine.mxnet.ndarrays import to_ndarray
from densefit.errors import BindError

#: A parameter's name, and the fold that its value takes part in, if any.
Key = tuple[str, Fold | None]


@dataclass
class Program:
    """A graph at one shape of its inputs.

    Attributes:
        symbol: with BatchNorms folded as `folds` say.
        folds: of the symbol.
        inputs: name -> shape of what is no parameter, for the rows of all devices.
        types: name -> dtype of what is fed; the others follow.
        outputs: short names of the symbol's outputs.
        fed: name -> how an array is brought to the form of its input.
        parameters: name -> shape of each parameter and statistic, before folding.
    """

    symbol: Any
    folds: Sequence[Fold]
    inputs: Mapping[str, tuple[int, ...]]
    types: Mapping[str, Any]
    outputs: Sequence[str] = ()
    fed: Mapping[str, Input] = field(default_factory=dict)
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class Executor:
    """A program bound on one or several devices, which split the rows among them.

    Args:
        parts: the devices' MXNet executors.
        slices: the rows of each.
        rows: of all of them.
        program: that is bound.
    """

    def __init__(
        self, parts: Sequence[Any], slices: Sequence[slice], rows: int, program: Program
    ) -> None:
        self._parts, self._slices, self._rows = list(parts), list(slices), rows
        self._fed: deque[list[Any]] = deque(maxlen=2)  # inputs that MXNet may not have read yet
        self.program = program

    def forward(self, data: Mapping[str, Any]) -> list[Any]:
        """Begin to compute; the outputs are overwritten by the next call.

        Args:
            data: name -> array of all rows.
        """
        outputs, inputs = [], []
        data = {
            name: self.program.fed[name].fit(array) if name in self.program.fed else array
            for name, array in data.items()
        }
        for part, own in zip(self._parts, self._slices):
            for name, array in data.items():
                factor = array.shape[0] // self._rows
                inputs.append(to_ndarray(array[own.start * factor : own.stop * factor]))
                inputs[-1].copyto(part.arg_dict[name])
            outputs.append(part.forward(is_train=False))
        self._fed.append(inputs)
        if len(outputs) == 1:
            return list(outputs[0])
        first = outputs[0][0].context
        return [
            mx.nd.concat(*(one.as_in_context(first) for one in of_devices), dim=0)
            for of_devices in zip(*outputs)
        ]


class Executors:
    """The executors that were used last, and the parameters that they all read.

    Executors share arrays of parameters and nothing else: with a shared memory pool, one would
    overwrite the outputs of another.

    Args:
        limit: executors kept at most; each holds the memory of its own forward pass.
        values: numbers of all their inputs together at most, so that large pictures have few; one
            larger than that is kept alone.

    Attributes:
        binds: executors made so far.
    """

    def __init__(self, limit: int, values: int = 24 * 2**20) -> None:
        self.limit, self.values = limit, values
        self.binds = 0
        self._kept: OrderedDict[Any, Executor] = OrderedDict()
        self._sizes: dict[Any, int] = {}  # of their inputs
        self._values: dict[tuple[Any, Key], Any] = {}  # by device and key

    def find(self, key: Any) -> Executor | None:
        """A kept executor, which becomes the one used last."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def drop(self) -> None:
        """Keep no executor; the parameters' arrays stay."""
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
        """A new executor, kept under `key`.

        Args:
            key: finds it again.
            program: what is bound.
            devices: MXNet contexts, among which the rows can be split.
            rows: of all of them.
            parameters: name -> present value of all parameters, asked for if some are new.

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
        """Give new values to the arrays that executors read, in place."""
        if self._values:
            _fill(self._values, parameters())

    def _part(
        self,
        program: Program,
        device: Any,
        share: float,
        parameters: Callable[[], Mapping[str, np.ndarray]],
    ) -> Any:
        """An MXNet executor for a device's share of the rows."""
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
    """Give arrays, by device and key, the values of these parameters."""
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
