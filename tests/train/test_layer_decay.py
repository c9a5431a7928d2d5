"""Rates that fall towards the picture."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.symbol import sym
from densefit.train.layer_decay import layers_behind


def test_a_chain_and_its_formula():
    x = sym.Variable("data")
    for number in range(3):
        x = sym.Convolution(x, kernel=(1, 1), num_filter=2, name=f"conv{number}")
        x = sym.Activation(sym.BatchNorm(x, name=f"bn{number}"), act_type="relu")
    groups = df.surgery.layer_decay(x, 0.5)
    for number in range(3):
        for kind in (f"conv{number}_weight", f"conv{number}_bias", f"bn{number}_gamma"):
            assert groups[kind] == {"lr": 0.5 ** (2 - number)}
    assert not [name for name in groups if "moving" in name or name == "data"]


def test_branches_count_by_the_longest_way_and_each_head_ends_at_one():
    x = sym.Variable("data")
    trunk = sym.FullyConnected(x, num_hidden=4, name="trunk")
    long = sym.FullyConnected(trunk, num_hidden=4, name="long")
    block = sym.FullyConnected(trunk, num_hidden=4, name="short") + long
    one = sym.FullyConnected(block, num_hidden=1, name="one")
    two = sym.FullyConnected(sym.FullyConnected(block, num_hidden=2, name="deep"),
                                num_hidden=1, name="two")  # fmt: skip
    behind = layers_behind(sym.Group([one, two]))
    weights = {name[:-7]: count for name, count in behind.items() if name.endswith("_weight")}
    assert weights == {"trunk": 3, "long": 2, "short": 2, "one": 0, "deep": 1, "two": 0}


def test_every_parameter_of_a_network_of_ours_has_a_rate(tiny):
    head = df.head("classification", classes=2)
    network = df.Network("resnet18", [head], settings={"width": 4})
    groups = df.surgery.layer_decay(network, 0.9)
    network.graph("train", (64, 64))
    inputs = {"data", "classification_label", "classification_loss_weights"}
    assert set(groups) == set(network.symbol.list_arguments()) - inputs
    rates = [group["lr"] for group in groups.values()]
    assert min(rates) == groups["resnet18_stem_weight"]["lr"] < 0.2
    assert max(rates) == 1.0
    (own,) = (name for name in groups if name.startswith("classification") and "weight" in name)
    assert groups[own]["lr"] == 1.0


def test_the_rates_arrive(tiny):
    """Plain SGD moves each layer by its rate."""
    moves = {}
    for decay in (1.0, 0.25):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        rng = np.random.default_rng(0)
        shapes = {"trunk_weight": (8, 6), "trunk_bias": (8,), "kind_fc_weight": (3, 8),
                  "kind_fc_bias": (3,), "size_fc_weight": (1, 8), "size_fc_bias": (1,)}  # fmt: skip
        before = {k: rng.normal(size=s).astype(np.float32) for k, s in shapes.items()}
        network.set_params(before)
        df.fit(
            network, tiny.iterator(4, 4), updates=1, schedule=df.Constant(0.1),
            groups=df.surgery.layer_decay(network if decay < 1 else network.symbol, decay),
        )  # fmt: skip
        moves[decay] = {k: v - before[k] for k, v in tiny.values(network).items()}
    for name, move in moves[0.25].items():
        factor = 0.25 if name.startswith("trunk") else 1.0
        np.testing.assert_allclose(move, factor * moves[1.0][name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 1.1, -1])
def test_out_of_range(tiny, decay):
    with pytest.raises(ConfigError, match="above 0 and at most 1"):
        df.surgery.layer_decay(tiny.kind(), decay)
