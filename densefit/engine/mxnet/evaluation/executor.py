"""An eval graph bound on one or several devices."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.backend import mx
from densefit.engine.graph.fold_batchnorm import Fold
from densefit.engine.mxnet.inputs import Input
from densefit.engine.mxnet.ndarrays import to_ndarray


@dataclass
class Program:
    """A graph for inputs of given shapes.

    Attributes:
        symbol: symbol with BatchNorms folded.
        folds: BatchNorms that are folded into layers of the symbol.
        inputs: name -> shape for the rows of all devices; other arguments are parameters.
        types: name -> dtype of inputs from a batch; MXNet infers other dtypes.
        outputs: short names of the symbol's outputs.
        fed: name -> bound form of an input from a batch.
        parameters: name -> shape of each parameter and statistic, before folding.
    """

    symbol: Any
    folds: Sequence[Fold]
    inputs: Mapping[str, tuple[int, ...]]
    types: Mapping[str, Any]
    outputs: Sequence[str] = ()
    batch: Mapping[str, Input] = field(default_factory=dict)
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class Executor:
    """A program bound on one or several devices, which share the rows.

    Args:
        parts: MXNet executor of each device.
        slices: rows of each device.
        rows: number of rows of all devices.
        program: program that is bound.
    """

    def __init__(
        self, parts: Sequence[Any], slices: Sequence[slice], rows: int, program: Program
    ) -> None:
        self._parts, self._slices, self._rows = list(parts), list(slices), rows
        self._fed: deque[list[Any]] = deque(maxlen=2)  # inputs that MXNet may not have read yet
        self.program = program

    def forward(self, data: Mapping[str, Any]) -> list[Any]:
        """Start computing; the next call overwrites the outputs.

        Args:
            data: name -> array of all rows.
        """
        outputs, inputs = [], []
        data = {
            name: self.program.batch[name].fit(array) if name in self.program.batch else array
            for name, array in data.items()
        }
        for part, rows in zip(self._parts, self._slices):
            for name, array in data.items():
                factor = array.shape[0] // self._rows
                inputs.append(to_ndarray(array[rows.start * factor : rows.stop * factor]))
                inputs[-1].copyto(part.arg_dict[name])
            outputs.append(part.forward(is_train=False))
        self._fed.append(inputs)
        if len(outputs) == 1:
            return list(outputs[0])
        first = outputs[0][0].context
        return [
            mx.nd.concat(*(output.as_in_context(first) for output in of_devices), dim=0)
            for of_devices in zip(*outputs)
        ]
