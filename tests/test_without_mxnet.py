"""Everything but MXNet's engine and its adapters is imported, and works, where MXNet is not."""

import sys

import pytest

from tests import forked

WITHOUT = """
import importlib, pkgutil, sys, tempfile
sys.modules["mxnet"] = None  # `import mxnet` raises
import numpy as np
import densefit
import densefit as df
"""
NETWORK = """
heads = [df.head("detection", classes=3), df.head("classification", classes=4)]
network = df.Network("resnet18", heads, settings={"width": 8})
"""
INITIALIZED = f"""{NETWORK}
from densefit.symbol.initializers import values
graph = network.graph("evaluate", (64, 64))
shapes, _, states = graph.infer_shape(data=(2, 3, 64, 64))
attrs = graph.attr_dict()
named = zip(graph.list_arguments() + graph.list_auxiliary_states(), shapes + states)
arrays = {{name: values(name, shape, 0, None, attrs.get(name)) for name, shape in named
          if name != "data"}}
statistics = {{name: arrays.pop(name) for name in graph.list_auxiliary_states()}}
network.set_params(arrays, statistics)
"""
#: What is MXNet's: its engine, what adapts its objects, what reads its registry.
OF_MXNET = (
    "densefit.backend",
    "densefit.engine.mxnet",
    "densefit.interop.block",
    "densefit.interop.callbacks",
    "densefit.interop.data_iter",
    "densefit.interop.eval_metric",
    "densefit.interop.metric_view",
    "densefit.interop.metrics",
    "densefit.interop.module.arguments",
    "densefit.interop.module.changes",
    "densefit.interop.module.fit_callback",
    "densefit.interop.module.head_adapter",
    "densefit.interop.module.live_module",
    "densefit.interop.module.locals",
    "densefit.interop.module.metric",
    "densefit.interop.module.mirror",
    "densefit.interop.module.module",
    "densefit.interop.mxnet_scheduler",
    "densefit.interop.parameters",
    "densefit.symbol.builder.registry",
)


def python(code):
    done = forked.run(
        [sys.executable, "-W", "ignore", "-c", WITHOUT + code],
        forget=("densefit", "mxnet", "torch"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_other_module_is_imported():
    code = f"""
refused = []
for module in pkgutil.walk_packages(densefit.__path__, "densefit.", onerror=lambda name: None):
    if not module.name.startswith(("densefit.engine.torch", "densefit.engine.onnx")):
        try:
            importlib.import_module(module.name)
        except densefit.errors.EngineError as error:
            assert "MXNet is not installed" in str(error), error
            refused.append(module.name)
unknown = [name for name in refused if not name.startswith({OF_MXNET!r})]
assert not unknown, unknown
"""
    python(code)


def test_a_loader_and_a_metric_work():
    code = """
samples = [df.Sample(str(i), np.full((8, 8, 3), i, np.uint8), {}) for i in range(5)]
class Images:
    classes = ["a"]
    def __len__(self): return 5
    def id_of(self, index): return str(index)
    def __getitem__(self, index): return samples[index]
ids = [i for batch in df.Loader(Images(), batch_size=2, workers=0) for i in batch.ids[: batch.real]]
assert ids == list("01234"), ids
metric = df.metrics.MAE()
metric.update(np.zeros(2), np.ones(2), ["a", "b"])
print(metric.compute())
"""
    assert "1.0" in python(code)


def test_a_network_is_built_counted_and_changed():
    code = f"""{NETWORK}
from densefit.symbol.builder import Symbol
assert isinstance(network.graph("train", (64, 64)), Symbol)
assert df.surgery.head_parameters(network, "classification") == [
    "classification_class_weight", "classification_class_bias"]
print(df.surgery.trunk_parameters(network)[0])
"""
    assert "resnet18_stem_weight" in python(code)


def test_checkpoints_and_files_of_mxnet_are_written_and_read():
    code = f"""{INITIALIZED}
temporary = tempfile.TemporaryDirectory()
folder = temporary.name
df.save(network, folder + "/weights")
read = df.load(folder + "/weights")
assert set(read.parameters) == set(arrays)
df.save_mxnet(network, folder + "/net", 3, input_size=(64, 64))
symbol, arguments, states = df.load_mxnet(folder + "/net", 3)
assert symbol.list_outputs() == network.graph("evaluate", (64, 64)).list_outputs()
np.testing.assert_array_equal(arguments["resnet18_stem_weight"], arrays["resnet18_stem_weight"])
assert set(states) == set(statistics)
again = df.load_mxnet(folder + "/net", 3, routes={{"kind": df.Route([symbol.list_outputs()[-1]])}})
print(set(again.parameters) == set(arrays))
"""
    assert "True" in python(code)


def test_batches_of_other_libraries_are_adapted():
    code = """
pairs = [(np.ones((4, 3)), np.zeros(4)), (np.ones((2, 3)), np.zeros(2))]
named = df.interop.batches(pairs, labels=["y"])
print([batch.real for batch in named])
from densefit import adapters
print(type(adapters.sources.adapt(named)).__name__)
"""
    assert python(code).splitlines() == ["[4, 2]", "OwnBatches"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("df.interop.arg_params", "MXNet is not installed"),
        (
            "df.adapters.module_arguments.adapt({'eval_metric': 'acc'})",
            "eval_metric is an argument",
        ),
        ("df.symbol.sym.Variable('x').simple_bind()", "Symbol.simple_bind computes with MXNet"),
    ],
)
def test_what_needs_mxnet_says_so(code, message):
    code = f"""
try:
    {code}
except densefit.errors.EngineError as error:
    print(error)
"""
    output = python(code)
    assert message in output
    assert 'pip install "densefit[mxnet]"' in output or "pip install mxnet" in output


def test_fit_without_any_engine_names_the_extras():
    code = f"""{NETWORK}
import os
os.environ.pop("DENSEFIT_ENGINE", None)
sys.modules["torch"] = None
from densefit.datasets import Shapes
loader = df.Loader(Shapes(4, size=(64, 64)), batch_size=2, heads=heads, workers=0)
try:
    df.fit(network, loader, epochs=1)
except densefit.errors.EngineError as error:
    print(error)
"""
    output = python(code)
    assert 'pip install "densefit[mxnet]"' in output
    assert 'pip install "densefit[torch]"' in output


@pytest.mark.parametrize("tool", ["train_det", "train_multi", "score", "predict", "check_data"])
def test_tools_explain_themselves(tool):
    code = f"""
sys.argv = ["{tool}", "--help"]
import runpy
try:
    runpy.run_module("densefit.tools.{tool}", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
"""
    assert tool in python(code)
