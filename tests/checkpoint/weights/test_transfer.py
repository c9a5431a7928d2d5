"""Weights of one network brought into another by name."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import BindError, CheckpointError, ConfigError
from densefit.symbol import sym
from densefit.train.balance import Uncertainty
from tests.executor import engine_array

TRUNK = ["tiny_stem_weight", "tiny_stem_bn_gamma", "tiny_stem_bn_beta"]
STATISTICS = ["tiny_stem_bn_moving_mean", "tiny_stem_bn_moving_var"]
HEAD = ["bright_fc_weight", "bright_fc_bias"]


@pytest.fixture(scope="module")
def source(tiny, tmp_path_factory):
    """A trained network, and the folder of its checkpoints."""
    network = tiny.network()
    folder = tmp_path_factory.mktemp("run")
    df.fit(network, tiny.loader(network, 4, 4), updates=2, checkpoint=folder)
    return network, folder


def other(tiny, *names):
    return df.Network(tiny.Backbone(), [tiny.Brightness(name) for name in names])


def values(network):
    return {**network.parameters, **network.statistics}


@pytest.mark.parametrize("kind", ["checkpoint", "network", "numpy", "mxnet file"])
def test_every_kind_of_source_gives_the_same(tiny, source, kind):
    network, folder = source
    arguments, auxiliary = network.parameters, network.statistics
    given = {
        "checkpoint": folder,
        "network": network,
        "numpy": {n: v.astype(np.float64) for n, v in {**arguments, **auxiliary}.items()},
        "mxnet file": {
            **{f"arg:{name}": engine_array(value) for name, value in arguments.items()},
            **{f"aux:{name}": engine_array(value) for name, value in auxiliary.items()},
        },
    }[kind]
    made = other(tiny, "bright", "more")
    report = df.surgery.transfer(given, made)
    assert set(report.loaded) == {*TRUNK, *STATISTICS, *HEAD}
    assert report.new == ["more_fc_weight", "more_fc_bias"]
    assert (report.kept, report.mismatched, report.dropped) == ([], {}, [])
    assert set(made.statistics) == set(STATISTICS)
    expected = values(network)
    for name, value in values(made).items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, expected[name])
    loader = df.Loader(tiny.Pictures(6), batch_size=4, heads=made.heads)
    first = tiny.Recorder("fit_started", lambda state, control: tiny.values(made))
    df.fit(made, loader, updates=1, callbacks=[first])  # gives the new ones a value
    for name, value in first.seen[0].items():
        np.testing.assert_array_equal(value, expected.get(name, value), err_msg=name)


def test_the_whole_network_predicts_as_the_source_does(tiny, source):
    network, folder = source
    made = other(tiny, "bright")
    df.surgery.transfer(folder, made)
    assert df.score(made, tiny.loader(made)) == df.score(network, tiny.loader(network))


def test_arrays_are_copies(tiny, source):
    made = other(tiny, "bright")
    weights = {"bright_fc_weight": np.ones((1, 4), np.float32)}
    df.surgery.transfer(weights, made)
    weights["bright_fc_weight"][:] = 5
    assert (values(made)["bright_fc_weight"] == 1).all()


def test_values_that_the_source_lacks_are_kept(tiny, source):
    made = other(tiny, "bright")
    df.fit(made, tiny.loader(made, 4, 4), updates=1, seed=5)
    before = values(made)
    report = df.surgery.transfer({"bright_fc_bias": np.full(1, 9.0)}, made)
    assert set(report.kept) == {*before} - {"bright_fc_bias"}
    assert report.new == []
    after = values(made)
    assert after.pop("bright_fc_bias") == 9
    for name, value in after.items():
        np.testing.assert_array_equal(value, before[name])


def test_renamed_and_left_out(tiny, source):
    network, _ = source
    made = other(tiny, "left", "right")
    report = df.surgery.transfer(network, made, rename={"bright_*": "left_*", "*_beta": None})
    assert set(report.dropped) == {"tiny_stem_bn_beta"}
    assert set(report.new) == {"tiny_stem_bn_beta", "right_fc_weight", "right_fc_bias"}
    for end in ("fc_weight", "fc_bias"):
        np.testing.assert_array_equal(values(made)[f"left_{end}"], values(network)[f"bright_{end}"])


def test_another_shape_is_an_error_unless_it_is_skipped(tiny, source):
    _, folder = source
    wide = {"bright_fc_weight": np.zeros((3, 4)), "tiny_stem_bn_beta": np.ones(4)}
    made = other(tiny, "bright")
    with pytest.raises(BindError, match=r"bright_fc_weight \(3, 4\), not \(1, 4\)(?s:.*)'skip'"):
        df.surgery.transfer(wide, made)
    assert not made.initialized  # nothing was loaded before the error
    report = df.surgery.transfer(wide, made, mismatched="skip")
    assert report.mismatched == {"bright_fc_weight": ((3, 4), (1, 4))}
    assert report.loaded == ["tiny_stem_bn_beta"]
    assert "bright_fc_weight" not in report.new + report.kept
    assert "of another shape 1: bright_fc_weight" in str(report)


def test_a_dense_layer_over_a_whole_map_is_compared_at_the_size_that_is_told(tiny):
    class Whole(tiny.Brightness):
        def _value(self, features):
            x = sym.flatten(features.maps[8])
            x = sym.FullyConnected(x, num_hidden=1, name=f"{self.name}_fc")
            return sym.reshape(x, shape=(-1,))

    made = df.Network(tiny.Backbone(), [Whole()])
    given = {"bright_fc_weight": np.zeros((1, 4 * 4 * 4))}
    with pytest.raises(BindError, match="other shapes"):
        df.surgery.transfer(given, made)
    assert df.surgery.transfer(given, made, input_size=(32, 32)).loaded == ["bright_fc_weight"]


def test_other_output_strides_are_told(tmp_path):
    def made(output_stride):
        head = df.head("classification", classes=4)
        return df.Network("resnet18", [head], settings={"width": 4}, output_stride=output_stride)

    coarse, fine, unstated = made(32), made(8), made(None)
    loader = df.Loader(Shapes(4, size=(64, 64)), batch_size=4, heads=coarse.heads)
    df.fit(coarse, loader, updates=1, checkpoint=tmp_path)
    for source in (coarse, tmp_path):
        report = df.surgery.transfer(source, fine)
        assert report.strides == (32, 8)
        assert "output stride 32 there, 8 here" in str(report)
        assert df.surgery.transfer(source, unstated).strides is None
    assert df.surgery.transfer(coarse.parameters, made(8)).strides is None


def test_into_a_symbol_of_the_user(tiny):
    made = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    report = df.surgery.transfer(
        {"theirs_weight": np.ones((8, 6))}, made, rename={"theirs_*": "trunk_*"}
    )
    assert report.loaded == ["trunk_weight"]
    assert set(report.new) == {"trunk_bias", *(f"{h}_fc_{k}" for h in ("kind", "size")
                                               for k in ("weight", "bias"))}  # fmt: skip
    df.fit(made, tiny.iterator(), updates=1)
    with pytest.raises(BindError, match=r"\(8, 7\), not \(8, 6\)"):
        df.surgery.transfer({"trunk_weight": np.ones((8, 7))}, made)


def test_a_network_in_training_is_not_touched(tiny, source):
    network, _ = source
    made = other(tiny, "bright")
    told = tiny.Recorder("update_ended", lambda state, control: df.surgery.transfer(network, made))
    with pytest.raises(ConfigError, match="being trained"):
        df.fit(made, tiny.loader(made, 4, 4), updates=1, callbacks=[told])


def test_mistakes_are_told(tiny, source, tmp_path):
    network, _ = source
    made = other(tiny, "bright")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        df.surgery.transfer(tmp_path / "nowhere", made)
    with pytest.raises(ConfigError, match="'raise', 'skip' or 'grow'"):
        df.surgery.transfer(network, made, mismatched="ignore")
    with pytest.raises(ConfigError, match="(?s)mapping of names.*received: *tuple"):
        df.surgery.transfer((network.parameters, network.statistics), made)
    with pytest.raises(BindError, match="(?s)No parameter of the source.*rename="):
        df.surgery.transfer({"backbone.weight": np.zeros(3)}, made)


S = {name: f"{name}_log_variance" for name in ("bright", "dark", "more")}


@pytest.fixture(scope="module")
def weighed(tiny, tmp_path_factory):
    """A network of two heads whose losses were weighed by what was learned, and its folder."""
    network = other(tiny, "bright", "dark")
    folder = tmp_path_factory.mktemp("weighed")
    settings = {"updates": 4, "schedule": df.Constant(0.05), "checkpoint": folder}
    df.fit(network, tiny.loader(network, 4, 4), balance=Uncertainty(), **settings)
    return network, folder


@pytest.mark.parametrize("kind", ["checkpoint", "network"])
def test_learned_weights_of_losses_come_along_with_their_heads(tiny, weighed, kind):
    """A new head's begins anew, and that of one that went is dropped; the report names all."""
    network, folder = weighed
    before = values(network)
    made = other(tiny, "bright", "more")
    report = df.surgery.transfer(folder if kind == "checkpoint" else network, made)
    assert dict(report.weights) == {S["bright"]: "loaded", S["more"]: "new", S["dark"]: "dropped"}
    assert S["bright"] in report.loaded
    assert S["more"] in report.new
    assert S["dark"] in report.dropped
    assert "learned weights of losses: bright_log_variance loaded" in str(report)
    first = tiny.Recorder("fit_started", lambda state, control: tiny.values(made))
    loader = df.Loader(tiny.Pictures(6), batch_size=4, heads=made.heads)
    df.fit(made, loader, updates=1, balance=Uncertainty(initial=0.25), callbacks=[first])
    begun = first.seen[0]
    assert begun[S["bright"]] == before[S["bright"]] != 0
    assert begun[S["more"]] == 0.25


def test_the_learned_weight_of_a_head_that_is_not_loaded_whole_begins_anew(tiny, weighed):
    network, _ = weighed
    given = {**network.parameters, "bright_fc_weight": np.zeros((3, 4))}
    made = other(tiny, "bright", "dark")
    report = df.surgery.transfer(given, made, mismatched="skip")
    assert dict(report.weights) == {S["dark"]: "loaded", S["bright"]: "new"}
    assert S["bright"] not in made.parameters
    report = df.surgery.transfer(network, other(tiny, "bright"), rename={"bright_fc_bias": None})
    assert dict(report.weights) == {S["bright"]: "new", S["dark"]: "dropped"}
    report = df.surgery.transfer(
        network, other(tiny, "left", "dark"), rename={"bright_*": "left_*"}
    )
    assert report.weights["left_log_variance"] == "loaded"


def test_without_learned_weights_there_is_no_word_of_them(tiny, source, weighed):
    network, folder = source
    report = df.surgery.transfer(folder, other(tiny, "bright", "more"))
    assert not report.weights
    assert "weights of losses" not in str(report)
    had = other(tiny, "bright", "dark")
    had.set_params(weighed[0].parameters, weighed[0].statistics)
    report = df.surgery.transfer(network, had)
    assert report.weights == {S["bright"]: "kept", S["dark"]: "kept"}
    assert values(had)[S["bright"]] == values(weighed[0])[S["bright"]]


def test_learned_weights_that_nobody_uses_are_in_nobody_s_way(tiny, weighed):
    made = other(tiny, "bright")
    df.surgery.transfer(weighed[0], made)
    loader = tiny.loader(made, 4, 4)
    df.fit(made, loader, updates=1)
    assert values(made)[S["bright"]] == values(weighed[0])[S["bright"]]
    assert df.score(made, tiny.loader(made))
