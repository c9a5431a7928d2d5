"""What two heads would call alike is refused, with a name that is not."""

import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.symbol import sym


def with_terms(tiny, name, *terms):
    class Own(tiny.Brightness):
        def train(self, features, labels):
            loss = sym.square(self._value(features) - labels["value"])
            return {term: loss for term in terms}

    return Own(name)


def with_label(tiny, name, label):
    class Own(tiny.Brightness):
        def labels(self, input_size):
            return [df.Label(label, ())]

        def train(self, features, labels):
            return {"loss": sym.square(self._value(features) - labels[label])}

    return Own(name)


def with_layer(tiny, name, layer):
    class Own(tiny.Brightness):
        def _value(self, features):
            x = sym.mean(features.maps[32], axis=(2, 3))
            return sym.reshape(sym.FullyConnected(x, num_hidden=1, name=layer), shape=(-1,))

    return Own(name)


def refused(tiny, heads, words):
    with pytest.raises(ConfigError, match=words) as caught:
        df.Network(tiny.Backbone(), heads)
    return str(caught.value)


def test_losses_of_two_heads(tiny):
    cells, kinds = with_terms(tiny, "cells", "class_loss", "box_loss"), tiny.Brightness
    for heads in ([cells, kinds("cells_class")], [kinds("cells_class"), cells]):
        told = refused(tiny, heads, "Two outputs are called 'cells_class_loss'")
        assert "name='cells-class'" in told
        assert "'cells'" in told
    df.Network(tiny.Backbone(), [cells, kinds("cells-class")])


def test_detection_beside_classification(tiny):
    heads = [
        df.head("detection", classes=2, name="cells", strides=(8, 16), channels=8),
        df.head("classification", classes=2, name="cells_class"),
    ]
    refused(tiny, heads, "(?s)'cells_class_loss'.*name='cells-class'")
    heads[1] = df.head("classification", classes=2, name="cells-class")
    df.Network(tiny.Backbone(), heads)


def test_a_label_and_a_layer(tiny):
    """MXNet would bind one array for both."""
    heads = [tiny.Brightness("a"), with_label(tiny, "a_fc", "weight")]
    refused(tiny, heads, "(?s)called 'a_fc_weight'.*name='a-fc'")
    refused(tiny, heads[::-1], "(?s)called 'a_fc_weight'.*name='a-fc'")


def test_layers_of_two_heads(tiny):
    heads = [with_layer(tiny, "a", "a_b_fc"), tiny.Brightness("a_b")]
    refused(tiny, heads, "(?s)called 'a_b_fc_weight'.*name='a-b'")


def test_a_layer_of_the_backbone(tiny):
    heads = [with_layer(tiny, "tiny", "tiny_stem")]
    refused(tiny, heads, "(?s)called 'tiny_stem_weight'.*name='tiny-head'")


def test_a_learned_weight_of_a_loss(tiny):
    heads = [tiny.Brightness("a"), with_label(tiny, "a_log", "variance")]
    refused(tiny, heads, "(?s)called 'a_log_variance'.*name='a-log'")


def test_one_layer_that_two_heads_read_is_shared(tiny):
    shared = sym.Variable("common_weight", shape=(1, 4))

    class Own(tiny.Brightness):
        def _value(self, features):
            x = sym.mean(features.maps[32], axis=(2, 3))
            x = sym.FullyConnected(x, shared, num_hidden=1, no_bias=True)
            return sym.reshape(x, shape=(-1,))

    network = df.Network(tiny.Backbone(), [Own("a"), Own("b")])
    assert "common_weight" in df.surgery.trunk_parameters(network)


def test_a_variable_that_two_heads_make(tiny):
    class Own(tiny.Brightness):
        def _value(self, features):
            factor = sym.Variable("scale", shape=(1,))
            return sym.broadcast_mul(super()._value(features), factor)

    told = refused(tiny, [Own("a"), Own("b")], "2 inputs are called 'scale'")
    assert "call it f'{self.name}_scale' in the head" in told


@pytest.mark.parametrize("alike", ["data", "weight", "layer"])
def test_variables_of_a_symbol_that_are_alike(alike):
    """MXNet: Input argument NDArray cannot be un-allocated."""
    data = sym.Variable("data")
    made = []
    for name in "ab":
        x = sym.Variable("data") if alike == "data" else data
        weight = sym.Variable("weight" if alike == "weight" else f"{name}_weight")
        layer = "layer" if alike == "layer" else f"{name}_layer"
        x = sym.FullyConnected(x, weight, num_hidden=3, name=layer)
        made.append(sym.SoftmaxOutput(x, name=name))
    name = {"layer": "layer_bias"}.get(alike, alike)
    with pytest.raises(ConfigError, match=f"2 inputs of the Symbol are called {name!r}") as caught:
        df.Network(symbol=sym.Group(made))
    assert f"x = mx.sym.Variable({name!r})" in caught.value.fix
