"""Parameters of other floating point types than the graph's are converted."""

import numpy as np
import onnx
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.symbol import sym as S
from tests.exporting.onnx.converted import run_onnx

INPUTS = {"data": (None, 4)}
ROWS = np.random.default_rng(1).random((5, 4), np.float32)


def values(dtype):
    rng = np.random.default_rng(0)
    return {"f_weight": rng.random((3, 4)).astype(dtype), "f_bias": rng.random(3).astype(dtype)}


def exported(symbol, path, dtype):
    df.export(symbol, path, arg_params=values(dtype), inputs=INPUTS)
    model = onnx.load(path)
    return {t.data_type for t in model.graph.initializer if t.dims}, run_onnx(model, {"data": ROWS})


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_they_become_what_the_graph_computes_in(tmp_path, dtype):
    symbol = S.FullyConnected(S.Variable("data"), num_hidden=3, name="f")
    kinds, outputs = exported(symbol, tmp_path / "m.onnx", dtype)
    assert kinds == {onnx.TensorProto.FLOAT}
    weights = values(dtype)
    expected = ROWS @ weights["f_weight"].T.astype("float32") + weights["f_bias"]
    np.testing.assert_allclose(outputs["f"], expected, rtol=1e-5)


@pytest.mark.mxnet  # which gives all parameters of a graph of doubles their type
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_graph_of_doubles_keeps_them(tmp_path, dtype):
    double = S.Cast(S.Variable("data"), dtype="float64")
    symbol = S.FullyConnected(double, num_hidden=3, name="f")
    kinds, outputs = exported(symbol, tmp_path / "m.onnx", dtype)
    assert kinds == {onnx.TensorProto.DOUBLE}
    weights = values(dtype)
    expected = ROWS.astype("float64") @ weights["f_weight"].T + weights["f_bias"]
    np.testing.assert_allclose(outputs["f"], expected, rtol=1e-12)


def test_statistics(tmp_path):
    symbol = S.BatchNorm(S.Variable("data"), fix_gamma=False, name="bn")
    ones, zeros = np.ones(4), np.zeros(4)
    exported = df.export(
        symbol,
        tmp_path / "m.onnx",
        arg_params={"bn_gamma": ones, "bn_beta": zeros},
        aux_params={"bn_moving_mean": zeros, "bn_moving_var": ones},
        inputs=INPUTS,
    )
    assert exported.parity["bn"].largest < 1e-6


def test_values_beyond_the_type(tmp_path):
    symbol = S.FullyConnected(S.Variable("data"), num_hidden=3, name="f")
    arguments = {**values("float64"), "f_bias": np.full(3, 1e39)}
    with pytest.raises(ConfigError, match="'f_bias'.*overflow"):
        df.export(symbol, tmp_path / "m.onnx", arg_params=arguments, inputs=INPUTS)
