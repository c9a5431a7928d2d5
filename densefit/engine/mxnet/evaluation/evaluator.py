"""Outputs of a network's eval graph on MXNet's executors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit import backend
from densefit.backend import mx
from densefit.engine.batch_reader import BatchReader
from densefit.engine.evaluation.evaluator import Evaluator
from densefit.engine.evaluation.graphs import EvalGraphs, outputs_of
from densefit.engine.graph.fold_batchnorm import fold
from densefit.engine.mxnet.devices import usable
from densefit.engine.mxnet.evaluation.executor import Executor
from densefit.engine.mxnet.evaluation.executors import Executors
from densefit.engine.mxnet.graph.inference import MXNetInference
from densefit.engine.mxnet.graph.mean_to_pooling import with_poolings
from densefit.errors import located
from densefit.model.network import Network
from densefit.model.symbol_graph import SymbolGraph


class ExecutorEvaluator(Evaluator):
    """Outputs of a network's eval graph, batch by batch, computed by MXNet.

    Executors share no memory with the train graph, as one graph would overwrite the other's
    outputs. Each batch shape has an executor; the most recently used ones are cached.

    Args:
        network: network whose eval graph and parameters are used.
        devices: MXNet contexts; a batch is split among them, or among the first of them if it has
            too few rows.
        mode: see `Evaluator`.
        limit: executors in the cache.
    """

    def __init__(
        self, network: Network, devices: Sequence[Any], mode: str = "evaluate", limit: int = 8
    ) -> None:
        self.devices = list(devices)
        super().__init__(
            EvalGraphs(
                network, mode, MXNetInference(), lambda rows: len(usable(self.devices, rows))
            )
        )
        self.executors = Executors(limit)
        self._version: int | None = None  # of the parameters in the executors

    def _outputs(self, reader: BatchReader, inputs: dict[str, Any], version: int) -> dict[str, Any]:
        """Start computing all outputs of the graph, by short name."""
        executor = self._executor(reader, inputs, version)
        outputs = executor.forward({name: inputs[name] for name in executor.program.types})
        return dict(zip(executor.program.outputs, outputs))

    def _rows_of(self, output: Any, rows: int | None) -> Any:
        """Copy the first rows of an output, or all.

        The next batch is computed into the same memory. MXNet copies after the forward pass;
        nothing waits here. Some rows are copied by an operator: a view of an array in oneDNN's
        blocked layout cannot be copied.
        """
        if rows is None:
            return output.copy()
        return mx.nd.slice_axis(output, axis=0, begin=0, end=rows)

    def _executor(self, reader: BatchReader, arrays: Mapping[str, Any], version: int) -> Executor:
        """Get the executor for arrays of these shapes, with the current parameters."""
        specs = self.graphs.specs(reader)
        shapes = {desc.name: tuple(arrays[desc.name].shape) for desc in specs}
        key: Any = tuple((desc.name, shapes[desc.name], str(desc.dtype)) for desc in specs)
        if not self.network.heads:
            key = (outputs_of(reader, self.mode), key)
        if self._version != version:
            # A fused executor (the user's own MXNET_SUBGRAPH_BACKEND) keeps its first weights.
            if backend.subgraph_fusion():
                self.executors.drop()
            self.executors.load(self.graphs.values)
            self._version = version
        executor = self.executors.find(key)
        if executor is not None:
            return executor
        program = self.graphs.program(reader, shapes)
        self.graphs.check_values(reader, program.parameters)
        graph = with_poolings(SymbolGraph.of(program.symbol), program.inputs, program.types)
        graph, program.folds = fold(graph)
        program.symbol = graph.symbol
        rows = next(iter(shapes.values()))[0]
        with located(f"heads {', '.join(adapter.name for adapter in reader.adapters)}"):
            return self.executors.bind(
                key, program, usable(self.devices, rows), rows, self.graphs.values
            )
