"""Optimizers by name and from MXNet's objects: factors, counts, schedules, and what is refused."""

import logging

import numpy as np
import pytest
import torch

import densefit as df
from densefit.backend import mx
from densefit.engine.settings import OptimizerSettings
from densefit.engine.torch.optimizers import load_optimizer_state, optimizer_state, start
from densefit.engine.torch.optimizers.start import OPTIMIZERS
from densefit.errors import CheckpointError, ConfigError
from densefit.model.symbol_graph import SymbolGraph

LEFT_OUT = {"test"}  # MXNet's own test optimizer


def symbol(**attrs):
    return mx.sym.FullyConnected(
        mx.sym.Variable("data"), weight=mx.sym.Variable("fc_weight", **attrs), num_hidden=2,
        name="fc",
    )  # fmt: skip


def weights():
    return {"fc_weight": torch.ones(2, 3), "fc_bias": torch.ones(2), "bn_gamma": torch.ones(2)}


def begin(optimizer="sgd", groups=None, attrs=None, **settings):
    parameters = weights()
    graph = SymbolGraph.of(symbol(**(attrs or {})))
    return start(OptimizerSettings(optimizer, settings, groups), parameters, graph), parameters


def ones():
    return {name: torch.ones_like(weight) for name, weight in weights().items()}


def test_all_optimizers_of_mxnet_are_there():
    names = set(mx.optimizer.Optimizer.opt_registry) - LEFT_OUT
    of_mxnet = {n for n in names if n == "adamw" or hasattr(mx.optimizer, OPTIMIZERS[n].kind)}
    assert {*of_mxnet, "groupadagrad"} <= set(OPTIMIZERS)


def test_biases_do_not_decay():
    optimizer, parameters = begin(learning_rate=1.0, wd=0.5)
    optimizer.step(0.0)
    assert torch.allclose(parameters["fc_bias"], torch.ones(2))  # no gradient either
    optimizer.step(1.0, gradients={name: 0 * one for name, one in ones().items()})
    values = {name: float(weight.flatten()[0]) for name, weight in parameters.items()}
    assert values == {"fc_weight": 0.5, "fc_bias": 1.0, "bn_gamma": 0.5}


def test_factors_come_from_the_symbol_and_groups_replace_them():
    attrs = {"lr_mult": 3.0, "wd_mult": 2.0}
    assert begin(attrs=attrs)[0].lr_mult == {"fc_weight": 3.0}
    optimizer, parameters = begin(
        attrs=attrs, learning_rate=0.1, groups={"*_weight": {"lr": 0.5}, "*_bias": {"wd": 1.0}}
    )
    assert (optimizer.lr_mult, optimizer.wd_mult) == (
        {"fc_weight": 0.5},
        {"fc_weight": 2.0, "fc_bias": 1.0},
    )
    optimizer.step(1.0, gradients=ones())
    assert float(parameters["fc_weight"][0, 0]) == pytest.approx(0.95)
    assert float(parameters["fc_bias"][0]) == pytest.approx(0.9)


def test_what_is_excluded_neither_moves_nor_counts():
    optimizer, parameters = begin("adam")
    optimizer.step(1.0, gradients=ones(), excluded=["fc_weight"])
    optimizer.step(1.0, gradients={**ones(), "fc_bias": None})
    assert optimizer.counts == {"fc_weight": 1, "fc_bias": 1, "bn_gamma": 2}
    assert optimizer.num_update == 2
    optimizer.step(1.0, gradients=ones(), excluded=list(parameters))
    assert optimizer.num_update == 3  # schedules go on


def test_gradients_and_the_format_of_memory_are_kept():
    weight = torch.randn(70, 64, 3, 3).to(memory_format=torch.channels_last)
    plain, gradient = weight.clone().contiguous(), torch.randn(70, 64, 3, 3)
    graph = SymbolGraph.of(symbol())
    for parameter in (weight, plain):
        optimizer = start(OptimizerSettings("adam"), {"w_weight": parameter}, graph)
        before = gradient.clone()
        for _ in range(3):
            optimizer.step(0.5, gradients={"w_weight": gradient})
        assert torch.equal(before, gradient)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(weight, plain)


def test_an_object_of_mxnet_is_read_and_followed():
    source = mx.optimizer.NAG(learning_rate=0.3, momentum=0.7, wd=0.1, clip_gradient=2.0)
    source.set_lr_mult({"fc_bias": 0.0})
    source.begin_num_update = source.num_update = 5
    optimizer, parameters = begin(source)
    assert (optimizer.kind, optimizer.momentum, optimizer.wd) == ("NAG", 0.7, 0.1)
    assert (optimizer.clip_gradient, optimizer.lr_mult) == (2.0, {"fc_bias": 0.0})
    assert optimizer.wd_mult == {"fc_bias": 0.0}  # as for a name
    source.lr = 0.5
    optimizer.step(1.0, gradients=ones())
    assert optimizer.learning_rate == 0.5
    assert float(parameters["fc_bias"][0]) == 1.0
    assert optimizer.counts["fc_weight"] == 6


@pytest.mark.parametrize(
    "source",
    [
        mx.optimizer.AdaGrad(eps=1e-3),
        mx.optimizer.RMSProp(centered=True, gamma2=0.5),
        mx.optimizer.Ftrl(lamda1=0.5, learning_rate=0.2),
        mx.optimizer.LARS(momentum=0.5, eta=0.2),
        mx.optimizer.LBSGD(batch_scale=2, begin_epoch=3),
        mx.optimizer.Adam(beta1=0.5, lazy_update=False),
    ],
    ids=lambda source: type(source).__name__,
)
def test_settings_of_an_object_are_those_of_its_name(source):
    optimizer, parameters = begin(source)
    name = {"float_stable_eps": "eps"}
    settings = {
        name.get(key, key): value for key, value in vars(source).items()
        if name.get(key, key) in ("eps", "centered", "gamma2", "lamda1", "momentum", "eta",
                                  "batch_scale", "beta1")
    }  # fmt: skip
    if type(source).__name__ == "LBSGD":
        settings["begin_epoch"] = 3
    other, expected = begin(type(source).__name__, learning_rate=source.lr, **settings)
    for _ in range(3):
        optimizer.step(0.5, gradients=ones())
        other.step(0.5, gradients=ones())
    for key, weight in parameters.items():
        assert torch.equal(weight, expected[key])


def test_a_scheduler_of_mxnet_sets_the_rate():
    scheduler = mx.lr_scheduler.FactorScheduler(step=1, factor=0.5, base_lr=1.0)
    optimizer, parameters = begin(learning_rate=0.8, lr_scheduler=scheduler)
    rates = []
    for _ in range(3):
        optimizer.step(0.0, gradients=ones())
        rates.append(optimizer.learning_rate)
    assert rates == [0.8, 0.4, 0.2]


def test_a_users_own_optimizer_is_refused_with_a_fix():
    class Mine(mx.optimizer.SGD):
        pass

    with pytest.raises(ConfigError, match="(?s)Mine.*engine='mxnet'"):
        begin(Mine())
    with pytest.raises(ConfigError, match="(?s)no optimizer 'adm'.*did you mean 'adam'"):
        begin("adm")
    with pytest.raises(ConfigError, match="(?s)not an optimizer"):
        begin(torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1))
    with pytest.raises(ConfigError, match="(?s)'momentun'.*momentum"):
        begin("sgd", momentun=0.9)
    with pytest.raises(ConfigError, match="out of range"):
        begin("sgd", momentum=1.5)
    with pytest.raises(ConfigError, match="not with an object"):
        begin(mx.optimizer.SGD(), wd=0.1)
    with pytest.raises(ConfigError, match="matrices"):
        begin("groupadagrad")


def test_a_rate_that_is_not_finite_is_refused():
    optimizer, parameters = begin()
    with pytest.raises(ConfigError, match=r"(?s)not a finite number.*nan, of the update 1.*SGD"):
        optimizer.step(1.0, float("nan"), ones())
    assert torch.equal(parameters["fc_weight"], torch.ones(2, 3))


def test_adadelta_says_that_it_has_no_rate(caplog):
    with caplog.at_level(logging.WARNING, logger="densefit"):
        begin("adadelta", learning_rate=0.1)
    assert "no learning rate" in caplog.text


def test_noise_of_sgld_has_the_variance_of_the_rate():
    weight = torch.zeros(50_000)
    optimizer = start(OptimizerSettings("sgld"), {"w": weight}, SymbolGraph.of(symbol()))
    assert optimizer.draws_at_random
    torch.manual_seed(3)
    optimizer.step(1.0, 0.04, {"w": torch.full_like(weight, 5.0)})
    assert float(weight.mean()) == pytest.approx(-0.1, abs=0.004)
    assert float(weight.std()) == pytest.approx(0.2, rel=0.02)


def test_other_states_are_refused_or_begin_from_zero():
    optimizer, _ = begin("adam")
    optimizer.step(1.0, gradients=ones())
    arrays, counters = optimizer_state(optimizer)
    other, _ = begin("sgd", momentum=0.9)
    assert "those in the checkpoint are of Adam" in load_optimizer_state(other, arrays, counters)
    assert other.counts == {}
    fresh, _ = begin("adam")
    with pytest.raises(CheckpointError, match="lacks optimizer states"):
        load_optimizer_state(fresh, {}, counters)
    with pytest.raises(CheckpointError, match="parameters that the network lacks"):
        load_optimizer_state(fresh, {**arrays, "other/0": np.zeros(1)}, counters)
    nan = {key: array * np.float32("nan") for key, array in arrays.items()}
    with pytest.raises(CheckpointError, match="is nan"):
        load_optimizer_state(fresh, nan, counters)
    with pytest.raises(CheckpointError, match="does not fit"):
        load_optimizer_state(fresh, {**arrays, "fc_bias/0": np.zeros(5)}, counters)
    with pytest.raises(CheckpointError, match="not an optimizer state"):
        load_optimizer_state(fresh, {"fc_bias": np.zeros(2)}, counters)
    assert "other settings" in load_optimizer_state(
        fresh, {**arrays, "fc_bias/0": np.zeros(5)}, counters, is_other=True
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sgd", {"momentum": 0.9}),
        ("sgd", {}),
        ("adam", {}),
        ("sgd", {"momentum": 0.9, "lazy_update": False}),
        ("adam", {"lazy_update": False}),
    ],
    ids=str,
)
def test_rows_of_an_embedding_without_a_gradient_stay(name, settings):
    symbol = mx.sym.Embedding(
        mx.sym.Variable("data"), input_dim=9, output_dim=4, sparse_grad=True, name="embed"
    )
    random = np.random.RandomState(0)
    value = random.normal(size=(9, 4)).astype("f")
    theirs = mx.nd.array(value)
    updater = mx.optimizer.get_updater(
        mx.optimizer.create(name, param_idx2name={0: "embed_weight"}, wd=0.01, **settings)
    )
    ours = {"embed_weight": torch.from_numpy(value.copy())}
    optimizer = start(
        OptimizerSettings(name, {"wd": 0.01, **settings}), ours, SymbolGraph.of(symbol)
    )
    for _ in range(5):
        gradient = random.normal(size=(9, 4)).astype("f")
        gradient[random.randint(0, 9, 6)] = 0
        updater(0, mx.nd.array(gradient).tostype("row_sparse"), theirs)
        optimizer.step(1.0, gradients={"embed_weight": torch.from_numpy(gradient)})
    np.testing.assert_allclose(ours["embed_weight"].numpy(), theirs.asnumpy(), rtol=1e-5, atol=1e-6)


def test_groups_may_name_parameters_that_are_fixed(tiny):
    network = tiny.network()
    loader = tiny.loader(network, 4)
    groups = {"tiny_stem_weight": {"lr": 0.5}, "*_gamma": {"wd": 0}}
    df.fit(network, loader, updates=1, engine="torch", freeze=["tiny_*"], groups=groups)
    with pytest.raises(ConfigError, match="matches no parameter"):
        df.fit(network, loader, updates=1, engine="torch", groups={"absent_*": {"lr": 0.5}})
