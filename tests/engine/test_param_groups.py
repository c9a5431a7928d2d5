"""Parameters with rates of their own, without decay, or frozen."""

import numpy as np
import pytest

import densefit as df
from densefit.engine.param_groups import factors, frozen
from densefit.errors import ConfigError


def test_later_patterns_win():
    names = ["trunk_weight", "trunk_bias", "head_weight"]
    found = factors({"*": {"lr": 1, "wd": 1}, "trunk_*": {"lr": 0.1}, "*_bias": {"wd": 0}}, names)
    assert found["lr"] == {"trunk_weight": 0.1, "trunk_bias": 0.1, "head_weight": 1.0}
    assert found["wd"] == {"trunk_weight": 1.0, "trunk_bias": 0.0, "head_weight": 1.0}


def test_a_name_is_no_pattern():
    names = ["conv[1]_weight", "conv1_weight", "c*_weight"]
    assert factors({"conv[1]_weight": {"lr": 0.1}}, names)["lr"] == {"conv[1]_weight": 0.1}
    assert frozen(["c*_weight"], names) == ["c*_weight"]
    assert frozen(["conv[12]_*"], names) == ["conv1_weight"]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"tronk_*": {"lr": 0.1}}, "matches no parameter"),
        ({"*": {"rate": 0.1}}, "lr and wd"),
        ({"*": {"lr": -1}}, "0 or more"),
    ],
)
def test_mistakes_are_told(groups, said):
    with pytest.raises(ConfigError, match=said):
        factors(groups, ["trunk_weight"])


def test_freezing_everything_or_nothing_is_a_mistake():
    assert frozen([], ["a"]) == []
    assert frozen(["b*", "a"], ["a", "bb", "c"]) == ["a", "bb"]
    with pytest.raises(ConfigError, match="nothing is left"):
        frozen(["*"], ["a", "b"])
    with pytest.raises(ConfigError, match="matches no parameter"):
        frozen(["x"], ["a", "b"])


def changed(tiny, optimizer="sgd", **settings):
    """How far each parameter went in one update of rate 1."""
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(4, 4), updates=1, schedule=df.Constant(0.0001))
    before = {name: value.copy() for name, value in tiny.values(network).items()}
    df.fit(
        network, tiny.iterator(4, 4), updates=1, schedule=df.Constant(1.0), optimizer=optimizer,
        **settings,
    )  # fmt: skip
    return {name: tiny.values(network)[name] - before[name] for name in before}, before


@pytest.mark.parametrize("made", [False, pytest.param(True, marks=pytest.mark.mxnet)])
def test_rates_and_decay_of_a_group(tiny, made):
    optimizer = "sgd"
    if made:
        from densefit.backend import mx

        optimizer = mx.optimizer.SGD(wd=0.01)
    settings = {} if made else {"optimizer_params": {"wd": 0.01}}
    plain, before = changed(tiny, optimizer, **settings)
    grouped, _ = changed(
        tiny, optimizer, **settings, groups={"trunk_*": {"lr": 0.25}, "kind_fc_weight": {"wd": 0}}
    )
    for name, step in plain.items():
        if name.startswith("trunk_"):
            np.testing.assert_allclose(grouped[name], 0.25 * step, atol=1e-6)
        elif name == "kind_fc_weight":
            np.testing.assert_allclose(grouped[name], step + 0.01 * before[name], atol=1e-6)
        else:
            np.testing.assert_allclose(grouped[name], step, atol=1e-6)


def test_what_is_frozen_stays_and_the_rest_trains(tiny):
    moved, _ = changed(tiny, freeze=["trunk_*"], optimizer_params={"wd": 0.1})
    for name, step in moved.items():
        assert (np.abs(step).max() == 0) == name.startswith("trunk_"), name


def test_frozen_batch_norm_keeps_its_statistics_and_normalises_by_them(tiny):
    network = tiny.network()
    loader = tiny.loader(network, 8, 4)
    df.fit(network, loader, epochs=1, schedule=df.Constant(0.01))
    before = dict(network.statistics)
    df.fit(network, loader, epochs=1, schedule=df.Constant(0.01), freeze=["tiny_*"])
    for name, array in network.statistics.items():
        np.testing.assert_array_equal(array, before[name])
    df.fit(network, loader, epochs=1, schedule=df.Constant(0.01))
    after = network.statistics
    assert any((after[name] != value).any() for name, value in before.items())


def test_groups_survive_a_resume(tiny, tmp_path):
    def run(epochs, **settings):
        network = tiny.network()
        df.fit(
            network, tiny.loader(network, 8, 4), epochs=epochs, schedule=df.Constant(0.1),
            groups={"tiny_*": {"lr": 0.1}}, optimizer_params={"momentum": 0.9}, **settings,
        )  # fmt: skip
        return network

    straight = run(2)
    run(1, checkpoint=tmp_path)
    tiny.assert_equal(straight, run(2, checkpoint=tmp_path, resume="auto"))
