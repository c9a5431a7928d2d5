"""Which parameters are the trunk's, and which a head's."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.parameters import owners, shapes
from densefit.train.balance import Uncertainty
from tests.executor import engine_array

HEADS = {
    "detection": {"classes": 3, "strides": (8, 16, 32, 64), "channels": 8},
    "segmentation": {"classes": 4, "decoder": "fcn", "channels": 8},
    "classification": {"classes": 4},
}


@pytest.fixture(scope="module")
def network():
    made = [df.head(task, **settings) for task, settings in HEADS.items()]
    return df.Network("resnet18", made, settings={"width": 8})


def test_every_parameter_has_one_owner(network):
    graph = network.symbol
    inputs = {"data"}
    for adapter in network.adapters.values():
        inputs |= {*adapter.labels, *adapter.weights}
    own = {*graph.list_arguments(), *graph.list_auxiliary_states()} - inputs
    found = owners(network)
    assert set(found) == own
    for name, owner in found.items():  # the built-in heads' names begin with theirs
        assert name.startswith("resnet18_" if owner is None else f"{owner}_"), name


def test_names_to_freeze_are_all_that_is_trained_and_no_statistic(network):
    parts = [
        df.surgery.trunk_parameters(network),
        *(df.surgery.head_parameters(network, h) for h in HEADS),
    ]
    names = [name for part in parts for name in part]
    assert len(names) == len(set(names))
    statistics = set(network.symbol.list_auxiliary_states())
    assert set(names) == set(owners(network)) - statistics
    assert statistics


def test_what_no_head_looks_at_is_not_there():
    """Level 32 of the backbone is not computed for a head that looks at 8 and 16."""
    head = df.head("detection", classes=2, strides=(8, 16), channels=8)
    shallow = df.Network("resnet18", [head], settings={"width": 8}, output_stride=32)
    names = df.surgery.trunk_parameters(shallow)
    assert not any(name.startswith("resnet18_layer4") for name in names)
    assert set(names) < set(shallow.symbol.list_arguments())


def test_of_a_symbol_the_trunk_is_what_routes_share(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    assert df.surgery.trunk_parameters(network) == ["trunk_weight", "trunk_bias"]
    assert df.surgery.head_parameters(network, "kind") == ["kind_fc_weight", "kind_fc_bias"]
    network.set_params(
        {"trunk_weight": engine_array(np.ones((8, 6))), "kind_fc_bias": engine_array(np.ones(3))}
    )
    assert owners(network) == {"trunk_weight": None, "kind_fc_bias": "kind"}
    assert shapes(network) == {"trunk_weight": (8, 6), "kind_fc_bias": (3,)}


def test_shapes_are_those_of_training(tiny):
    network = tiny.network()
    expected = shapes(network)
    df.fit(network, tiny.loader(network, 4, 4), updates=1)
    assert expected == {name: value.shape for name, value in tiny.values(network).items()}


def test_the_graph_that_was_used_last_stays_it(tiny):
    network = tiny.network()
    last = network.graph("train", (96, 64))
    df.surgery.trunk_parameters(network)
    shapes(network, (32, 32))
    assert network.symbol is last


def test_an_unknown_head_is_told(network):
    with pytest.raises(ConfigError, match="did you mean 'segmentation'"):
        df.surgery.head_parameters(network, "segmentatoin")


def test_learned_weights_of_losses_are_not_to_be_frozen(tiny):
    """They are parameters of one training, and the next one may not have them."""
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    loader = tiny.loader(network, 4, 4)
    df.fit(network, loader, updates=1, balance=Uncertainty())
    assert "a_log_variance" in network.parameters
    assert df.surgery.head_parameters(network, "a") == ["a_fc_weight", "a_fc_bias"]
    df.fit(network, loader, updates=1, freeze=df.surgery.head_parameters(network, "a"))
