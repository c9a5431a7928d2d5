"""Outputs of a network's eval graph on PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.evaluator import Evaluator
from densefit.engine.evaluation.graphs import EvalGraphs, outputs_of
from densefit.engine.evaluation.program import EvalProgram
from densefit.engine.graph.fold_batchnorm import Fold, fold, fold_parameters
from densefit.engine.graph.symbol_info import UNREAD
from densefit.engine.torch.inference import TorchInference
from densefit.engine.torch.program import Program, Run
from densefit.engine.torch.tensors import parameter_tensor, to_tensor
from densefit.errors import located
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph

#: A parameter's name, and the fold that its value belongs to, if any.
Key = tuple[str, Fold | None]


class TorchEvaluator(Evaluator):
    """Outputs of a network's eval graph, batch by batch, computed by PyTorch.

    Each batch shape has a program; the most recently used ones are cached, and share parameters.

    Args:
        network: network whose eval graph and parameters are used.
        device: device that computes.
        mode: see `Evaluator`.
        limit: programs in the cache.
    """

    def __init__(
        self, network: Network, device: torch.device, mode: str = "evaluate", limit: int = 64
    ) -> None:
        inference = TorchInference(lambda: network.value_shapes)
        super().__init__(EvalGraphs(network, mode, inference))
        self._device, self._limit = device, limit
        self._programs: OrderedDict[Any, tuple[EvalProgram, Program]] = OrderedDict()
        self._tensors: dict[Key, torch.Tensor] = {}
        self._version: int | None = None  # of the parameters in the tensors

    def _outputs(self, reader: BatchReader, inputs: dict[str, Any], version: int) -> dict[str, Any]:
        """Start computing all outputs of the graph, by short name."""
        if self._version != version:
            self._tensors, self._version = {}, version
        described, program = self._program(reader, inputs)
        tensors = {
            name: to_tensor(described.batch[name].fit(inputs[name]), dtype, self._device)
            for name, dtype in described.types.items()
        }
        for name, shape in described.inputs.items():
            if name.endswith(UNREAD):  # no output depends on it
                tensors[name] = torch.zeros(shape, device=self._device)
        with torch.no_grad():
            outputs = program(
                {**self._parameters(described, program), **tensors}, Run(device=self._device)
            )
        # An input that is an output would change with the memory of the next batch.
        memory = {tensor.untyped_storage().data_ptr() for tensor in tensors.values()}
        return {
            name: output.clone() if output.untyped_storage().data_ptr() in memory else output
            for name, output in zip(described.outputs, outputs)
        }

    def _rows_of(self, output: Any, rows: int | None) -> Any:
        """The first rows of an output, or all."""
        return output if rows is None else output[:rows]

    def _program(
        self, reader: BatchReader, arrays: Mapping[str, Any]
    ) -> tuple[EvalProgram, Program]:
        """The graph for arrays of these shapes, with BatchNorms folded; cached."""
        specs = self.graphs.specs(reader)
        shapes = {desc.name: tuple(arrays[desc.name].shape) for desc in specs}
        key: Any = tuple((desc.name, shapes[desc.name], str(desc.dtype)) for desc in specs)
        if not self.network.heads:
            key = (outputs_of(reader, self.mode), key)
        if key in self._programs:
            self._programs.move_to_end(key)
            return self._programs[key]
        with located(f"heads {', '.join(adapter.name for adapter in reader.adapters)}"):
            described = self.graphs.program(reader, shapes)
            self.graphs.check_values(reader, described.parameters)
            graph, described.folds = fold(SymbolGraph.of(described.symbol))
            while len(self._programs) >= self._limit:
                self._programs.popitem(last=False)
            self._programs[key] = described, Program(graph)
        return self._programs[key]

    def _parameters(self, described: EvalProgram, program: Program) -> dict[str, torch.Tensor]:
        """Current parameters of a program, folded, on the device."""
        folds = {name: fold for fold in described.folds for name in (fold.weight, fold.bias)}
        keys = {
            name: (name, folds.get(name)) for name in program.inputs if name not in described.inputs
        }
        lacking = {key for key in keys.values() if key not in self._tensors}
        if lacking:
            values = self.graphs.values()
            folded: dict[Key, np.ndarray] = {
                (name, fold): value
                for fold in {fold for _, fold in lacking if fold is not None}
                for name, value in fold_parameters([fold], values).items()
            }
            for key in lacking:
                value = folded[key] if key in folded else values[key[0]]
                self._tensors[key] = parameter_tensor(value, self._device)
        return {name: self._tensors[key] for name, key in keys.items()}
