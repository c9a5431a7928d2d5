"""A Symbol without MXNet: what it refuses, and what it says."""

import copy
import json

import pytest

from densefit.errors import BindError, ConfigError, EngineError
from densefit.symbol import builder
from densefit.symbol.builder import sym


def graph(symbol):
    return json.loads(symbol.tojson())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sym.Convolution(sym.var("x"), kernel=(3, 3)), "Convolution needs num_filter"),
        (lambda: sym.Activation(sym.var("x"), act_type="rellu"), "cannot have this act_type"),
        (lambda: sym.Pooling(sym.var("x"), kernl=(2, 2)), "no setting 'kernl'"),
        (lambda: sym.FullyConnected(sym.var("x"), num_hidden="many"), "cannot have this num_hid"),
        (lambda: sym.relu(sym.Group([sym.var("x"), sym.var("y")])), "data is several outputs"),
        (
            lambda: sym.FullyConnected(sym.var("x"), bias=sym.var("b"), no_bias=True, num_hidden=3),
            "no input 'bias'",
        ),
        (lambda: sym.BatchNorm(sym.var("x"), moving_mean=sym.var("m") + 1), "not a variable"),
        (lambda: sym.FullyConnected(sym.var("x"), weight_lr_mult=2, num_hidden=2), "of a variable"),
        (lambda: sym.Custom(sym.var("x"), op_type="mine"), "Custom is not built without MXNet"),
        (lambda: sym.load_json('{"nodes": [{"op": "relu6", "name": "a", "inputs": []}]}'), "relu6"),
        (lambda: sym.load_json("{"), "not the JSON of a Symbol"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_shapes_that_do_not_fit_are_told():
    x = sym.FullyConnected(sym.var("x"), num_hidden=3, name="fc") + sym.var("y")
    with pytest.raises(BindError, match=r"(?s)elemwise_add.*\(2, 3\).*\(2, 4\)"):
        x.infer_shape(x=(2, 5), y=(2, 4))
    with pytest.raises(BindError, match="no argument 'z'"):
        x.infer_shape(z=(2, 5))
    with pytest.warns(UserWarning, match="Cannot decide shape"):
        assert sym.FullyConnected(sym.var("x"), num_hidden=3).infer_shape() == (None, None, None)
    unknown = sym.contrib.count_sketch(sym.var("x"), sym.var("h"), sym.var("s"), out_dim=3)
    with pytest.raises(ConfigError, match=r"_contrib_count_sketch.*not.*known"):
        unknown.infer_shape(x=(2, 3), h=(1, 3), s=(1, 3))
    assert unknown.infer_shape_partial(x=(2, 3))[1] == [()]


def test_what_needs_an_engine_says_so():
    with pytest.raises(EngineError, match="Symbol.bind computes with MXNet"):
        sym.var("x").bind()
    with pytest.raises(NotImplementedError, match="holds no numbers"):
        sym.var("x").asnumpy()
    with pytest.raises(NotImplementedError, match="neither true nor false"):
        bool(sym.var("x") == 1)
    with pytest.raises(TypeError, match="not supported"):
        sym.var("x") + "1"
    x = sym.var("x")
    with pytest.raises(NotImplementedError, match="not changed in place"):
        x += 1


def test_deep_graphs_and_shared_nodes():
    x = sym.Variable("x")
    for _ in range(3000):
        x = x + x
    assert len(json.loads(x.tojson())["nodes"]) == 3001
    assert x.infer_shape(x=(2, 3))[1] == [(2, 3)]
    assert graph(copy.deepcopy(x)) == graph(x)


def test_functions_have_signatures_and_texts():
    import inspect

    assert list(inspect.signature(sym.Activation).parameters) == [
        "data", "act_type", "name", "attr", "out", "kwargs",
    ]  # fmt: skip
    assert "act_type: {'relu'" in sym.Activation.__doc__
    assert "Convolution" in dir(sym)
    assert "box_nms" in dir(sym.contrib)
    with pytest.raises(AttributeError):
        sym.Convolutoin  # noqa: B018
    assert isinstance(builder.sym.Variable("x"), builder.Symbol)
