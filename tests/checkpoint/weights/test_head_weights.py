"""A task's own table of names: rows of classes, conversions, prefixes."""

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.weights.maps.head_map import HeadMap, head_layouts_of
from densefit.errors import CheckpointError, ConfigError
from densefit.model.layers import conv_bn
from densefit.symbol import sym
from densefit.tasks.classification import Classification
from tests.checkpoint.weights.layout_files import SMALL, in_layout, random_arrays, trunk_of

THREE = ["eel", "fox", "cat"]
FILE = ("background", "cat", "dog", "eel")
MODEL = "torchvision, timm"


class Pairs(Classification):
    """Two rows for each class, behind a layer with a norm and one without."""

    def _scores(self, features):
        x = conv_bn(features.maps[32], f"{self.name}_unit3", 4)
        x = sym.FullyConnected(sym.mean(x, axis=(2, 3)), num_hidden=5, name=f"{self.name}_mix")
        rows = 2 * len(self.classes)
        return sym.FullyConnected(x, num_hidden=rows, name=f"{self.name}_pairs")

    def class_rows(self):
        rows = [(k, name) for name in self.names("label") for k in range(2)]
        return {f"{self.name}_pairs_{end}": rows for end in ("weight", "bias")}


@head_layouts_of.register
def _(head: Pairs, parameters: list) -> dict:
    rows = {
        "unit{n}": ("neck.{n+1}.0", "neck.{n+1}.1"),
        "mix": ("top.mix", None),
        "pairs": ("top.scores", None),
    }
    return {
        "new names": HeadMap(
            rows,
            "backbone.body.",
            class_lists=(FILE,),
            class_rows=lambda names: {"pairs": [(k, n) for k in range(2) for n in names]},
            convert={"mix_weight": lambda array: array[::-1]},
            unused=("rest.*",),
        ),
        "older names": HeadMap({"unit{n}": ("old.{n}", None)}, "backbone.body."),
        "another place": HeadMap(rows, "encoder."),
    }


def network_of(classes):
    return df.Network("resnet18", [Pairs(classes, name="kind")], settings=SMALL["resnet18"])


def whole(network, start="module."):
    """Arrays of a whole model, and those of the backbone."""
    rng = np.random.default_rng(1)
    trunk = random_arrays(network)
    norm = {f"neck.4.1.{end}": (4,) for end in ("weight", "bias", "running_mean", "running_var")}
    sizes = {
        **{"neck.4.0.weight": (4, 64, 3, 3), "top.mix.weight": (5, 4), "top.mix.bias": (5,)},
        **{**norm, "top.scores.weight": (8, 5), "top.scores.bias": (8,), "rest.x": (2,)},
    }
    layers = {name: rng.uniform(0.5, 1, size).astype(np.float32) for name, size in sizes.items()}
    file = {f"{start}{name}": array for name, array in layers.items()}
    return {**in_layout(network, MODEL, trunk, f"{start}backbone.body."), **file}, layers


@pytest.mark.parametrize("start", ["", "module.", "model."])
def test_rows_conversions_and_norms(written, start):
    network = network_of(THREE)
    file, layers = whole(network, start)
    report = df.load_weights(network, written(file))
    values = {**network.parameters, **network.statistics}
    assert (report.missing, report.unexpected, report.left_out) == ([], [], {})
    assert report.unused == [f"{start}rest.x"]
    assert report.heads == {"kind": "new names"}
    assert report.matched_classes == {"kind": ["eel", "cat"]}
    assert report.new_classes == {"kind": ["fox"]}
    np.testing.assert_array_equal(
        values["kind_unit3_bn_moving_var"], layers["neck.4.1.running_var"]
    )
    np.testing.assert_array_equal(values["kind_mix_weight"], layers["top.mix.weight"][::-1])
    # Ours: eel 0, eel 1, fox 0, fox 1, cat 0, cat 1. The file's: 0 of four classes, then 1.
    scores, biases = layers["top.scores.weight"], layers["top.scores.bias"]
    np.testing.assert_array_equal(values["kind_pairs_weight"][[0, 1, 4, 5]], scores[[3, 7, 1, 5]])
    np.testing.assert_array_equal(
        values["kind_pairs_bias"], [*biases[[3, 7]], 0, 0, *biases[[1, 5]]]
    )
    assert (values["kind_pairs_weight"][2:4] != 0).all()
    assert set(report.loaded) == values.keys()


def test_stated_classes_count(written):
    network = network_of(THREE)
    file, layers = whole(network)
    path = written(file)
    report = df.load_weights(network, path, classes=["fox", "eel", "cat", "owl"])
    assert (report.matched_classes["kind"], report.new_classes) == (["eel", "fox", "cat"], {})
    bias = layers["top.scores.bias"]
    np.testing.assert_array_equal(network.parameters["kind_pairs_bias"], bias[[1, 5, 0, 4, 2, 6]])
    none = network_of(["x", "y"])
    report = df.load_weights(none, path)
    assert report.left_out == {"kind": "layers of classes: none of its classes is in the file"}
    assert report.missing == ["kind_pairs_weight", "kind_pairs_bias"]
    for wrong in (["a"], {"kind": ["a"] * 5}, "cats", {"kinds": FILE}):
        before = dict(network.parameters)
        with pytest.raises(ConfigError):
            df.load_weights(network, path, classes=wrong)
        assert network.parameters["kind_pairs_bias"] is before["kind_pairs_bias"]


def test_a_head_is_loaded_whole_or_not_at_all(written):
    network = network_of(["eel", "cat"])
    file, _ = whole(network)
    lacking = {name: array for name, array in file.items() if name != "module.top.mix.bias"}
    report = df.load_weights(network, written(lacking))
    assert "the file has no module.top.mix.bias" in report.left_out["kind"]
    assert len(report.loaded) == len(trunk_of(network))
    assert network.parameters.keys() | network.statistics.keys() == {*trunk_of(network)}
    wide = {**file, "module.top.mix.weight": np.ones((7, 4), np.float32)}
    report = df.load_weights(network, written(wide))
    assert "module.top.mix.weight is (7, 4), not (5, 4)" in report.left_out["kind"]
    scalar = {**file, "module.top.scores.bias": np.float32(1)}
    report = df.load_weights(network, written(scalar))
    assert "module.top.scores.bias is (), not (4,)" in report.left_out["kind"]
    bad = {**file, "module.top.mix.weight": np.full((5, 4), np.nan, np.float32)}
    with pytest.raises(CheckpointError, match="kind_mix_weight"):
        df.load_weights(network, written(bad))
