"""Networks: graphs, names, parameters."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import BindError, ConfigError
from densefit.symbol import sym
from tests.executor import engine_array


def test_train_and_eval_graphs(tiny):
    network = df.Network(tiny.Backbone(), [tiny.Brightness(), tiny.Brightness("other", weight=3)])
    train, evaluate = network.graph("train", (32, 32)), network.graph("evaluate", (32, 32))
    assert train.list_outputs() == ["bright_loss_output", "other_loss_output"]
    assert evaluate.list_outputs() == ["bright_value_output", "other_value_output"]
    labels = {"bright_value", "other_value", "bright_loss_weights", "other_loss_weights"}
    assert set(train.list_arguments()) - labels == set(evaluate.list_arguments())
    assert train.list_auxiliary_states() == evaluate.list_auxiliary_states()
    assert network.graph("train", (32, 32)) is train
    with pytest.raises(ConfigError, match="Unknown mode"):
        network.graph("test", (32, 32))
    with pytest.raises(BindError, match="needs the input's"):
        network.graph("train")


def test_the_weight_of_a_head_scales_its_gradient(tiny):
    weights = []
    for weight in (1.0, 3.0):
        network = tiny.network(weight=weight)
        df.fit(
            network, tiny.loader(network, 4, 4, workers=0), updates=1,
            optimizer_params={"learning_rate": 0.01},
        )  # fmt: skip
        weights.append(tiny.values(network)["bright_fc_weight"])
    start = tiny.network()
    df.fit(
        start,
        tiny.loader(start, 4, 4, workers=0),
        updates=1,
        optimizer_params={"learning_rate": 0.0},
    )
    begin = tiny.values(start)["bright_fc_weight"]
    np.testing.assert_allclose(weights[1] - begin, 3 * (weights[0] - begin), rtol=1e-3, atol=1e-7)


def test_the_symbol_is_the_train_graph_that_was_used_last(tiny):
    network = tiny.network()
    large, small = network.graph("train", (96, 96)), network.graph("train", (32, 32))
    network.graph("evaluate", (64, 64))
    assert network.symbol is small
    network.graph("train", (96, 96))
    assert network.symbol is large


class Unnamed(df.Head):
    """Leaves its layers to MXNet's counter, and has one more of them in training."""

    output_stride = 32

    def __init__(self, name, extra):
        self.name, self.extra = name, extra

    def labels(self, input_size):
        return [df.Label("y", ())]

    def _value(self, features):
        x = sym.mean(features.maps[32], axis=(2, 3))
        return sym.reshape(sym.FullyConnected(x, num_hidden=1), shape=(-1,))

    def train(self, features, labels):
        loss = sym.square(self._value(features) - labels["y"])
        for _ in range(self.extra):  # an auxiliary loss
            loss = loss + sym.square(self._value(features) - labels["y"])
        return {"loss": loss}

    def evaluate(self, features):
        return {"y": self._value(features)}

    def encode(self, sample):
        return {"y": np.zeros((), np.float32)}

    def decode(self, outputs, geometries):
        return list(outputs["y"])

    def ground_truth(self, targets):
        return 0.0

    def metrics(self):
        return ["mae"]


def test_unnamed_layers_belong_to_their_head(tiny):
    """One counter for all would give the second head another's parameters in evaluation."""
    network = df.Network(tiny.Backbone(), [Unnamed("a", 1), Unnamed("b", 0)])
    train = [n for n in network.graph("train", (32, 32)).list_arguments() if "fully" in n]
    evaluate = [n for n in network.graph("evaluate", (32, 32)).list_arguments() if "fully" in n]
    assert evaluate == [f"{h}_fullyconnected0_{k}" for h in "ab" for k in ("weight", "bias")]
    assert set(train) - set(evaluate) == {f"a_fullyconnected1_{k}" for k in ("weight", "bias")}


def test_evaluating_with_what_was_not_trained_is_an_error(tiny):
    class Careless(tiny.Brightness):
        def evaluate(self, features):
            x = sym.mean(features.maps[32], axis=(2, 3))
            return {"value": sym.FullyConnected(x, num_hidden=1, name="bright_dense")}

    with pytest.raises(BindError, match="(?s)do not train.*bright_dense_weight"):
        df.Network(tiny.Backbone(), [Careless()])


def test_contradictory_networks(tiny):
    head = tiny.Brightness()
    for arguments, message in (
        ({}, "either a backbone with heads or a symbol"),
        ({"backbone": "resnet18", "symbol": tiny.kind()}, "either a backbone"),
        ({"backbone": "resnet18"}, "at least one head"),
        ({"backbone": "resnet18", "heads": [head, head]}, "2 heads are named 'bright'"),
        ({"symbol": tiny.kind(), "heads": [head]}, "takes routes, not heads"),
        (
            {"backbone": tiny.Backbone(), "heads": [head], "settings": {"width": 8}},
            "backbone's name",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            df.Network(**arguments)
    with pytest.raises(BindError, match="(?s)does not have.*did you mean"):
        df.Network(symbol=tiny.kind(), routes={"k": df.Route(["kind_out"])})


def test_parameters(tiny):
    network = tiny.network()
    assert not network.initialized
    with pytest.raises(BindError, match="no parameters yet"):
        network.check_initialized()
    mine = np.arange(4, dtype=np.float32).reshape(1, 4)
    theirs = engine_array(np.ones(1))
    network.set_params({"bright_fc_weight": mine, "bright_fc_bias": theirs}, {"tiny_mean": mine})
    mine[:] = 7
    theirs[:] = 7
    arguments, auxiliary = network.parameters, network.statistics
    np.testing.assert_array_equal(arguments["bright_fc_weight"], [[0, 1, 2, 3]])
    assert arguments["bright_fc_bias"] == [1]
    assert list(auxiliary) == ["tiny_mean"]
    assert network.initialized


def test_spec_rebuilds_networks_made_by_name(tiny):
    made = df.Network(
        "resnet18", [df.head("classification", classes=["a", "b"], name="kind", weight=2.0)],
        settings={"width": 4}, output_stride=16,
    )  # fmt: skip
    again = df.Network.from_spec(made.spec)
    assert again.spec == made.spec
    assert again.graph("train", (32, 32)).tojson() == made.graph("train", (32, 32)).tojson()
    assert again.heads[0].weight == 2.0
    assert tiny.network().spec is None
    assert df.Network(symbol=tiny.kind()).spec is None


def test_output_stride_is_the_smallest_that_a_head_asks_for(tiny):
    fine = tiny.Brightness("fine")
    fine.output_stride = 8
    assert df.Network(tiny.Backbone(), [tiny.Brightness(), fine]).output_stride == 8
    assert df.Network(tiny.Backbone(), [fine], output_stride=16).output_stride == 16


def test_graphs_of_many_sizes_are_kept_within_a_limit(tiny, monkeypatch):
    monkeypatch.setattr("densefit.model.network.KEPT", 3)
    network = tiny.network()
    sizes = [(32, 32 * k) for k in range(1, 6)]
    first = [network.graph("evaluate", size) for size in sizes]
    assert network.graph("evaluate", sizes[-1]) is first[-1]
    network.graph("evaluate", sizes[-2])
    network.graph("evaluate", sizes[0])  # the third of the last that were used goes
    assert network.graph("evaluate", sizes[-1]) is first[-1]
    again = network.graph("evaluate", sizes[1])
    assert again is not first[1]
    assert again.list_arguments() == first[1].list_arguments()
    assert again.list_outputs() == first[1].list_outputs()


def test_modes_that_evaluate_have_one_graph(tiny):
    """It is built once, if no head has other outputs in these modes."""
    plain = tiny.network()
    evaluate = plain.graph("evaluate", (32, 32))
    for mode in ("raw", "views"):
        assert plain.graph(mode, (32, 32)) is evaluate
        assert plain.adapters["bright"].outputs(mode) == ["bright_value"]
    assert plain.graph("train", (32, 32)) is not evaluate

    class Twice(tiny.Brightness):
        def view_outputs(self, features):
            return {"twice": self.evaluate(features)["value"] * 2}

    both = df.Network(tiny.Backbone(), [tiny.Brightness("plain"), Twice()])
    assert both.graph("raw", (32, 32)) is both.graph("evaluate", (32, 32))
    views = both.graph("views", (32, 32)).list_outputs()
    assert views == ["plain_value_output", "bright_twice_output"]
    assert both.adapters["plain"].outputs("views") == ["plain_value"]


def test_a_graph_of_later_has_the_backbone_of_then(tiny):
    network = tiny.network()
    before = network.graph("train", (32, 32)).tojson()
    network.normalise_by((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    after = [network.graph(mode, size).tojson() for mode in ("train", "raw")
             for size in ((64, 64), (32, 32))]  # fmt: skip
    assert before not in after
    assert all('"scalar": "0.25"' in text for text in after)
