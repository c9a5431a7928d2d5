"""Kinds of normalization: what they compute, their parameters, and that frozen ones stay."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.layers import conv_bn
from densefit.model.normalization import KINDS, Normalization, normalize
from densefit.symbol import sym
from tests.executor import Executor

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (2, 48, 3, 4)).astype(np.float32)
VALUES = {
    "n_gamma": RNG.uniform(0.5, 2, 48),
    "n_beta": RNG.normal(size=48),
    "n_moving_mean": RNG.normal(size=48),
    "n_moving_var": RNG.uniform(0.5, 2, 48),
}


def expected(kind, training):
    if kind == "group":  # 8 groups of 6 channels: the greatest divisor of 48 / 2 and 32
        rows = X.reshape(2, 8, -1)
        mean, var = rows.mean(2, keepdims=True), rows.var(2, keepdims=True)
        scaled = ((rows - mean) / np.sqrt(var + 1e-5)).reshape(X.shape)
    elif kind == "batch" and training:
        mean, var = X.mean((0, 2, 3), keepdims=True), X.var((0, 2, 3), keepdims=True)
        scaled = (X - mean) / np.sqrt(var + 1e-5)
    else:
        mean, var = (VALUES[f"n_moving_{key}"].reshape(48, 1, 1) for key in ("mean", "var"))
        scaled = (X - mean) / np.sqrt(var + 1e-5)
    return scaled * VALUES["n_gamma"].reshape(48, 1, 1) + VALUES["n_beta"].reshape(48, 1, 1)


def executor(kind):
    with Normalization(kind).in_effect():
        symbol = normalize(sym.Variable("data"), "n", 48)
    made = Executor(symbol, data=X.shape)
    for name, array in {**made.arg_dict, **made.aux_dict}.items():
        if name != "data":
            array[:] = VALUES[name]
    return made


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients(kind, training):
    made = executor(kind)
    (out,) = made.forward(is_train=training, data=X)
    np.testing.assert_allclose(out, expected(kind, training), rtol=1e-4, atol=1e-4)
    statistics = set() if kind == "group" else {"n_moving_mean", "n_moving_var"}
    assert set(made.aux_dict) == statistics
    if training:
        made.backward(np.ones_like(out))
        shift = 0 if kind == "frozen_batch" else X.size / 48
        np.testing.assert_allclose(made.grad_dict["n_beta"], np.full(48, shift), rtol=1e-5)
        assert (made.grad_dict["n_gamma"] != 0).any() == (kind != "frozen_batch")


def test_batch_normalization_is_the_default_again_afterwards():
    data = sym.Variable("data")
    with Normalization("group").in_effect(), Normalization("frozen_batch").in_effect():
        pass
    assert "BatchNorm" in conv_bn(data, "c", 4).tojson()
    assert "use_global_stats" not in conv_bn(data, "c", 4).tojson()


def test_an_unknown_kind():
    with pytest.raises(ConfigError, match="batch, frozen_batch, group"):
        df.Network(
            "resnet18", [df.head("classification", classes=2)], settings={"normalization": "no"}
        )


@pytest.mark.parametrize("kind", ["frozen_batch", "group"])
def test_training_with_weight_decay(tiny, kind):
    """Frozen layers keep parameters and statistics, also under decay; all others are trained."""
    settings = {"width": 4, "normalization": kind}
    network = df.Network("resnet18", [tiny.Brightness()], settings=settings)
    before = {}

    class Before(df.Callback):
        def fit_started(self, state, control):
            before.update(tiny.values(network))

    loader = tiny.loader(network, length=4, batch_size=2)
    df.fit(
        *(network, loader),
        updates=2,
        optimizer="sgd",
        optimizer_params={"wd": 0.5, "momentum": 0.9},
        lr=0.01,
        callbacks=[Before()],
    )
    after = tiny.values(network)
    same = {name for name in before if np.array_equal(before[name], after[name])}
    layers = {name for name in before if "_bn_" in name}
    assert layers
    assert same == (layers if kind == "frozen_batch" else set())
