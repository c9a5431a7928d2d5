"""Run a Symbol on the installed engine and, converted, in ONNX Runtime."""

import onnxruntime

from densefit.exporting.onnx.builder import Builder
from densefit.exporting.onnx.convert import convert
from densefit.exporting.onnx.model import model_of
from densefit.exporting.onnx.tensor import BATCH
from densefit.model.symbol_graph import SymbolGraph
from tests.executor import compute


def onnx_model(symbol, inputs, parameters=None, opset=18, dynamic=True):
    """The model of a Symbol; the first axis of every input is the batch."""
    graph = SymbolGraph.of(symbol)
    build = Builder(opset, [*graph.outputs, *inputs])
    tensors = {}
    for name, array in inputs.items():
        rows = (BATCH,) if dynamic else array.shape[:1]
        tensors[name] = build.input(name, (*rows, *array.shape[1:]), array.dtype)
    outputs = convert(graph, parameters or {}, tensors, build)
    return model_of(build, dict(zip(graph.outputs, outputs)), {}, "0")


def run_onnx(model, inputs):
    """Outputs of a model by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    read = {entry.name for entry in session.get_inputs()}
    feeds = {name: array for name, array in inputs.items() if name in read}
    return dict(zip(names, session.run(names, feeds)))


def run_engine(symbol, inputs, parameters=None):
    """Outputs of a Symbol by short name."""
    values = {**inputs, **(parameters or {})}
    types = {name: array.dtype for name, array in values.items()}
    return dict(zip(SymbolGraph.of(symbol).outputs, compute(symbol, values, types)))
