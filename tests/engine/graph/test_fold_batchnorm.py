"""BatchNorm folded into the layer before it, against the unfolded graph."""

import json

import numpy as np
import pytest

import densefit as df
from densefit.engine.graph.fold_batchnorm import fold, fold_parameters
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym
from tests.executor import compute


def values(symbol, seed=0, **shapes):
    """Random parameters, moving statistics far from 0 and 1."""
    rng = np.random.default_rng(seed)
    arguments, _, states = symbol.infer_shape(**shapes)
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    made = {n: rng.normal(size=s).astype("f") for n, s in zip(names, [*arguments, *states])}
    for name in made:
        if name.endswith("var"):
            made[name] = rng.uniform(0.01, 4.0, made[name].shape).astype("f")
        elif name.endswith("weight"):
            made[name] *= (2.0 / made[name][0].size) ** 0.5
    return made


def run(symbol, given):
    return compute(symbol, given)


def norms(symbol):
    return sum(node["op"] == "BatchNorm" for node in json.loads(symbol.tojson())["nodes"])


def check(symbol, count, **shapes):
    """As many folds as expected, none of them seen in the outputs."""
    given = values(symbol, **shapes)
    before = norms(symbol)
    graph, folds = fold(SymbolGraph.of(symbol))
    folded = graph.symbol
    assert (len(folds), norms(folded)) == (count, before - count)
    assert folded.list_outputs() == symbol.list_outputs()
    made = fold_parameters(folds, {name: given[name] for one in folds for name in one.reads()})
    for one, other in zip(run(symbol, given), run(folded, {**given, **made})):
        scale = np.abs(one).max()
        assert 0.01 < scale
        np.testing.assert_allclose(other / scale, one / scale, atol=1e-5)


def conv(data, name="conv", **settings):
    return sym.Convolution(data, kernel=(3, 3), num_filter=4, name=name, **settings)


@pytest.mark.parametrize("no_bias", [True, False])
@pytest.mark.parametrize("fix_gamma", [True, False])
@pytest.mark.parametrize("settings", [{}, {"num_group": 2}, {"dilate": (2, 2)}])
def test_a_convolution(no_bias, fix_gamma, settings):
    layer = conv(sym.Variable("data"), no_bias=no_bias, **settings)
    norm = sym.BatchNorm(layer, fix_gamma=fix_gamma, eps=2e-3, name="norm")
    check(sym.Activation(norm, act_type="relu"), 1, data=(2, 4, 9, 8))


@pytest.mark.parametrize("no_bias", [True, False])
def test_a_fully_connected_layer(no_bias):
    layer = sym.FullyConnected(sym.Variable("data"), num_hidden=5, no_bias=no_bias)
    check(sym.tanh(sym.BatchNorm(layer, fix_gamma=False)), 1, data=(6, 7))


def test_layers_whose_output_or_parameters_are_used_elsewhere_stay():
    data, weight = sym.Variable("data"), sym.Variable("shared_weight")
    twice = conv(data, "twice")
    shared = [conv(data, f"shared{n}", weight=weight) for n in range(2)]
    statistics = [sym.Variable(f"same_{n}") for n in ("gamma", "beta", "mean", "var")]
    names = ("gamma", "beta", "moving_mean", "moving_var")
    same = [sym.BatchNorm(conv(data, f"own{n}"), **dict(zip(names, statistics))) for n in range(2)]
    found = [sym.BatchNorm(one) for one in (twice, *shared)] + [twice, *same]
    check(sym.tanh(sym.concat(*found, dim=1)), 0, data=(2, 3, 8, 8))


def test_a_norm_on_another_axis_or_shown_or_of_something_else_stays():
    data = sym.Variable("data")
    shown = sym.BatchNorm(conv(data, "shown"))
    axis = sym.BatchNorm(conv(data, "axis"), axis=3)
    flat = sym.FullyConnected(data, num_hidden=5, flatten=False, name="flat")
    others = [sym.BatchNorm(one) for one in (flat, sym.relu(data))]
    check(sym.Group([shown, *map(sym.tanh, [axis, *others])]), 0, data=(2, 3, 8, 8))


def test_a_bias_of_that_name_is_not_overwritten():
    layer = conv(sym.Variable("data"), no_bias=True)
    norm = sym.BatchNorm(layer, fix_gamma=False)
    check(sym.tanh(sym.broadcast_add(norm, sym.Variable("conv_bias"))), 1,
          data=(2, 3, 8, 8), conv_bias=(1, 4, 1, 1))  # fmt: skip


def test_a_whole_network():
    heads = [
        df.head("segmentation", classes=3, channels=8),
        df.head("depth", channels=8),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})
    symbol = network.graph("views", (64, 64))
    graph, folds = fold(SymbolGraph.of(symbol))
    folded = graph.symbol
    assert len(folds) >= 18
    assert norms(folded) == 0
    check(symbol, len(folds), data=(2, 3, 64, 64))


def test_statistics_that_are_not_finite_stay_so():
    norm = sym.BatchNorm(conv(sym.Variable("data")), name="norm")
    symbol = sym.tanh(norm)
    given = values(symbol, data=(1, 3, 8, 8))
    given["norm_moving_var"][1] = np.nan
    graph, folds = fold(SymbolGraph.of(symbol))
    folded = graph.symbol
    found = run(folded, {**given, **fold_parameters(folds, given)})[0]
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, 0]).all()
