"""Heads that come to a trained network, or go: what the others predict stays, to the bit."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.train.balance import Uncertainty
from tests.executor import Executor

DATA = Shapes(4, size=(64, 64), empty=0.0)
SMALL = {"resnet18": {"width": 8}, "mobilenetv2": {"multiplier": 0.35}}
MASK = {"classes": 4, "decoder": "fcn", "channels": 8}


def detection(**settings):
    return df.head("detection", classes=3, strides=(8, 16, 32), channels=8, **settings)


def trained(network, data=DATA, **settings):
    settings = {"epochs": 1, "optimizer": "sgd", **settings}
    settings.setdefault("optimizer_params", {"momentum": 0.9, "wd": 0.01})
    loader = df.Loader(data, batch_size=2, heads=network.heads, workers=0)
    df.fit(network, loader, schedule=df.Constant(0.01), **settings)
    return network


def outputs(network, heads):
    """Arrays of the eval graph by name, of those heads."""
    rng = np.random.default_rng(0)
    executor = Executor(network.graph("evaluate", (64, 64)), gradients=False, data=(2, 3, 64, 64))
    values = {**network.parameters, **network.statistics}
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        array[:] = rng.integers(0, 256, array.shape) if name == "data" else values[name]
    executor.forward(is_train=False)
    names = {f"{h}_{o}_output" for h in heads for o in network.adapters[h].evaluate_outputs}
    return {n: a for n, a in executor.output_dict.items() if n in names}


def assert_same(first, second, heads):
    before, after = outputs(first, heads), outputs(second, heads)
    assert before
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)


@pytest.mark.parametrize("backbone", SMALL)
def test_other_heads_predict_the_same_when_one_comes_and_goes(backbone):
    one = trained(df.Network(backbone, [detection()], settings=SMALL[backbone]))
    two = df.surgery.with_head(one, df.head("segmentation", **MASK))
    assert list(two.adapters) == ["detection", "segmentation"]
    trained(
        two,
        freeze=[*df.surgery.trunk_parameters(two), *df.surgery.head_parameters(two, "detection")],
    )
    assert_same(one, two, ["detection"])
    left = df.surgery.without_head(two, "detection")
    assert_same(two, left, ["segmentation"])
    names = {*left.parameters, *left.statistics}
    assert not any(name.startswith("detection_") for name in names)


def test_training_the_new_head_alone_moves_nothing_else():
    """Neither weights nor BatchNorm's statistics, though decay and momentum are at work."""
    one = trained(df.Network("resnet18", [detection()], settings=SMALL["resnet18"]))
    more = df.surgery.with_head(one, df.head("segmentation", **MASK))
    rest = [*df.surgery.trunk_parameters(more), *df.surgery.head_parameters(more, "detection")]
    first = {}

    class Begin(df.Callback):
        def fit_started(self, state, control):
            first.update(dict(more.parameters))

    trained(more, freeze=rest, epochs=2, callbacks=[Begin()])
    before = {**one.parameters, **one.statistics}
    after = {**more.parameters, **more.statistics}
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    for name in df.surgery.head_parameters(more, "segmentation"):
        assert (first[name] != after[name]).any(), name


class Masks:
    """The same pictures, of which only the masks are known."""

    classes = DATA.classes

    def __len__(self):
        return len(DATA)

    def id_of(self, index):
        return DATA.id_of(index)

    def __getitem__(self, index):
        sample = DATA[index]
        return df.Sample(sample.id, sample.image, {"mask": sample.targets["mask"]})


def test_a_head_can_be_added_by_data_that_know_nothing_of_the_others():
    one = trained(df.Network("resnet18", [detection()], settings=SMALL["resnet18"]))
    both = df.surgery.with_head(one, df.head("segmentation", **MASK))
    alone = trained(
        df.surgery.without_head(both, "detection"),
        Masks(),
        freeze=df.surgery.trunk_parameters(both),
    )
    report = df.surgery.transfer(alone, both)
    assert (report.new, report.dropped, report.mismatched) == ([], [], {})
    assert_same(one, both, ["detection"])
    assert_same(alone, both, ["segmentation"])
    held = df.Loader(DATA, batch_size=4, workers=0)
    scores = df.score(both, held)
    assert {k: v for k, v in scores.items() if k.startswith("segm")} == df.score(
        alone, held
    )  # fmt: skip


def test_nothing_is_shared(tiny):
    network = tiny.network()
    df.fit(network, tiny.loader(network, 4, 4), updates=1)
    before = tiny.values(network)
    other = df.surgery.with_head(network, tiny.Brightness("other"))
    assert other.backbone is not network.backbone
    assert other.heads[0] is not network.heads[0]
    df.fit(other, tiny.loader(other, 4, 4), updates=2)
    other.heads[0].weight = 7
    for name, value in tiny.values(network).items():
        np.testing.assert_array_equal(value, before[name])
    assert list(network.adapters) == ["bright"]
    assert network.heads[0].weight == 1


def test_networks_without_parameters_and_their_descriptions(tiny):
    made = df.Network("resnet18", [detection()], settings=SMALL["resnet18"])
    more = df.surgery.with_head(made, df.head("classification", classes=4))
    assert not more.initialized
    assert more.spec["heads"] == [*made.spec["heads"], more.heads[1].spec]
    again = df.Network.from_spec(more.spec)
    assert again.symbol.tojson() == more.symbol.tojson()
    assert df.surgery.with_head(made, tiny.Brightness()).spec is None


def test_the_output_stride_stays():
    fine = df.head("segmentation", classes=4, channels=8)  # asks for 16
    coarse = df.head("classification", classes=4)
    both = df.Network("resnet18", [fine, coarse], settings=SMALL["resnet18"])
    assert df.surgery.without_head(both, "segmentation").output_stride == both.output_stride == 16
    alone = df.Network("resnet18", [coarse], settings=SMALL["resnet18"])
    with pytest.raises(
        ConfigError, match=r"(?s)smaller output stride.*32 or more.*output_stride=32"
    ):
        df.surgery.with_head(alone, fine)


def test_what_cannot_be(tiny):
    network = tiny.network()
    with pytest.raises(ConfigError, match="2 heads are named 'bright'"):
        df.surgery.with_head(network, tiny.Brightness())
    with pytest.raises(ConfigError, match="did you mean 'bright'"):
        df.surgery.without_head(network, "brigth")
    with pytest.raises(ConfigError, match="No head would be left"):
        df.surgery.without_head(network, "bright")
    symbol = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    for change in (lambda: df.surgery.with_head(symbol, tiny.Brightness()),
                   lambda: df.surgery.without_head(symbol, "kind")):  # fmt: skip
        with pytest.raises(ConfigError, match="made of a symbol"):
            change()


def test_learned_weights_of_losses_stay_with_their_heads(tiny):
    network = df.Network(tiny.Backbone(), [tiny.Brightness("one"), tiny.Brightness("two")])
    data = df.Loader(tiny.Pictures(4), batch_size=4, heads=network.heads)
    df.fit(network, data, updates=3, balance=Uncertainty(), schedule=df.Constant(0.05))
    before = tiny.values(network)
    assert before["one_log_variance"] != 0
    more = df.surgery.with_head(network, tiny.Brightness("three"))
    less = df.surgery.without_head(more, "one")
    for made, kept in ((more, ["one", "two"]), (less, ["two"])):
        found = {name: value for name, value in tiny.values(made).items() if "variance" in name}
        assert found == {f"{name}_log_variance": before[f"{name}_log_variance"] for name in kept}
    first = tiny.Recorder("fit_started", lambda state, control: tiny.values(more))
    data = df.Loader(tiny.Pictures(4), batch_size=4, heads=more.heads)
    df.fit(more, data, updates=1, balance=Uncertainty(), callbacks=[first])
    assert first.seen[0]["three_log_variance"] == 0
    assert first.seen[0]["two_log_variance"] == before["two_log_variance"]
