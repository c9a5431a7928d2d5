"""An eval graph bound on one or several devices."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.backend import mx
from densefit.engine.evaluation.program import EvalProgram
from densefit.engine.mxnet.ndarrays import to_ndarray


class Executor:
    """A program bound on one or several devices, which share the rows.

    Args:
        parts: MXNet executor of each device.
        slices: rows of each device.
        rows: number of rows of all devices.
        program: program that is bound.
    """

    def __init__(
        self, parts: Sequence[Any], slices: Sequence[slice], rows: int, program: EvalProgram
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
