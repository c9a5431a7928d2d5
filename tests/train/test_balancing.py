"""Balancers in the loop: what they are given, what comes of it, and that a resume goes on."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.errors import ConfigError, TrainingDiverged
from densefit.model.backbones import Backbone
from densefit.symbol import sym
from densefit.train.balance import (
    DWA,
    RLW,
    CAGrad,
    Fixed,
    GradNorm,
    PCGrad,
    Scheduled,
    Uncertainty,
)

HEADS = ("one", "two", "three")
RATE = 0.1
MAKERS = {
    "fixed": lambda: Fixed({"one": 0.5, "two": 2.0}),
    "scheduled": lambda: Scheduled({"one": df.Cosine(1.0), "two": df.Constant(0.3)}),
    "rlw": lambda: RLW(seed=3),
    "dwa": lambda: DWA(),
    "uncertainty": lambda: Uncertainty(kinds={"two": "regression"}),
    "gradnorm": lambda: GradNorm(lr=0.1),
    "pcgrad": lambda: PCGrad(seed=1),
    "cagrad": lambda: CAGrad(c=0.5),
}


class Trunk(Backbone):
    """A convolution, and BatchNorm if wanted."""

    name = "trunk"

    def __init__(self, normalised=False):
        self.normalised = normalised

    def maps(self, x, output_stride):
        x = sym.Convolution(x, kernel=(4, 4), stride=(4, 4), num_filter=6, name="trunk_conv")
        if self.normalised:
            x = sym.BatchNorm(x, fix_gamma=False, name="trunk_bn")
        x = sym.Activation(x, act_type="tanh")
        return {32: (sym.Pooling(x, kernel=(8, 8), stride=(8, 8), pool_type="avg"), 6)}


class Values:
    """Pictures of noise with a number for each head that has one."""

    classes = ()

    def __init__(self, length=8, lacking=None):
        self.length, self.lacking = length, lacking or {}

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"v{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        image = rng.integers(0, 256, (32, 32, 3), np.uint8)
        values = {name: np.array(rng.normal() * (3 if name == "two" else 1)) for name in HEADS}
        for name in self.lacking.get(index, ()):
            del values[name]
        return Sample(f"v{index}", image, values)


@pytest.fixture
def make(tiny):
    """make(balance, **settings) -> (network, history)."""

    def head(name, dropout):
        class Own(tiny.Brightness):
            targets = (name,)

            def encode(self, sample):
                return {"value": np.array(sample.targets[name], np.float32)}

        return Own(name, dropout=dropout)

    def fit(balance, data=None, batch_size=4, normalised=False, dropout=0.0, **settings):
        network = df.Network(Trunk(normalised), [head(name, dropout) for name in HEADS])
        rng = np.random.default_rng(9)
        first = {
            "trunk_conv_weight": rng.normal(0, 0.02, (6, 3, 4, 4)),
            "trunk_conv_bias": np.zeros(6),
        }
        for name in HEADS:
            first[f"{name}_fc_weight"] = rng.normal(0, 1, (1, 6))
            first[f"{name}_fc_bias"] = np.zeros(1)
        auxiliary = {}
        if normalised:
            first.update({"trunk_bn_gamma": np.ones(6), "trunk_bn_beta": np.zeros(6)})
            auxiliary = {"trunk_bn_moving_mean": np.zeros(6), "trunk_bn_moving_var": np.ones(6)}
        given = [
            {key: value.astype(np.float32) for key, value in part.items()}
            for part in (first, auxiliary)
        ]
        network.set_params(*given)
        loader = df.Loader(data or Values(), batch_size=batch_size, heads=network.heads, workers=0)
        if "epochs" not in settings:
            settings.setdefault("updates", 1)
        settings.setdefault("schedule", df.Constant(RATE))
        history = df.fit(network, loader, balance=balance, **settings)
        fit.first = {**given[0], **given[1]}
        return network, history

    return fit


def moves(tiny, make, balance, **settings):
    """What an update of plain SGD moved each parameter by, over the rate: minus the gradient."""
    network, _ = make(balance, **settings)
    return {
        name: (make.first[name] - value) / RATE
        for name, value in tiny.values(network).items()
        if name in make.first
    }


def trunk_of(gradient):
    return np.concatenate([gradient[f"trunk_conv_{kind}"].ravel() for kind in ("weight", "bias")])


def alone(tiny, make, head, **settings):
    """The gradient of one head's loss."""
    return moves(tiny, make, Fixed({name: float(name == head) for name in HEADS}), **settings)


def test_equal_weights_are_no_balance(tiny, make):
    for settings in ({}, {"batch_size": 2, "accumulate": 2}, {"normalised": True, "dropout": 0.5}):
        plain, _ = make(None, **settings)
        fixed, _ = make(Fixed(), **settings)
        tiny.assert_equal(plain, fixed)


def test_weights_multiply_the_gradients_of_heads(tiny, make):
    weights = {"one": 0.5, "two": 2.0, "three": 1.0}
    found = moves(tiny, make, Fixed(weights))
    each = {name: alone(tiny, make, name) for name in HEADS}
    expected = sum(weights[name] * trunk_of(each[name]) for name in HEADS)
    np.testing.assert_allclose(trunk_of(found), expected, rtol=1e-3, atol=1e-5)
    for name in HEADS:
        key = f"{name}_fc_weight"
        np.testing.assert_allclose(
            found[key], weights[name] * each[name][key], rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize("name", ["pcgrad", "cagrad", "gradnorm"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 2, "accumulate": 2},
        pytest.param({"devices": ["cpu:0", "cpu:1"]}, marks=pytest.mark.mxnet),
    ],
    ids=["whole", "accumulated", "two devices"],
)
def test_shared_parameters_get_the_combination_and_the_others_their_own(tiny, make, name, settings):
    """The rows are measured by training each head alone."""
    found = moves(tiny, make, MAKERS[name](), **settings)
    each = {head: alone(tiny, make, head) for head in HEADS}
    rows = np.stack([trunk_of(each[head]) for head in HEADS]).astype(np.float32)
    if name != "gradnorm":
        assert (rows @ rows.T).min() < 0  # some conflict
    reference = MAKERS[name]()
    reference.begin(HEADS)
    reference.weights(0)
    reference.observe(dict.fromkeys(HEADS, 1.0))
    expected = reference.combine(rows)
    np.testing.assert_allclose(trunk_of(found), expected, rtol=2e-3, atol=2e-5)
    if name != "gradnorm":
        assert np.abs(expected - rows.sum(axis=0)).max() > 1e-3  # it is another than the sum
    for head in HEADS:
        key = f"{head}_fc_weight"
        np.testing.assert_allclose(found[key], each[head][key], rtol=1e-3, atol=1e-5)


def test_several_passes_drop_the_same_and_move_statistics_once(tiny, make):
    """GradNorm's first update is the plain sum: as if there had been one pass."""
    for settings in ({}, {"batch_size": 2, "accumulate": 2}):
        chosen = {"normalised": True, "dropout": 0.5, **settings}
        plain, _ = make(None, **chosen)
        apart, _ = make(GradNorm(), **chosen)
        tiny.assert_equal(plain, apart, exactly=False)
        moved = tiny.values(apart)["trunk_bn_moving_mean"]
        assert (moved != 0).all()


def test_losses_are_the_means_over_labelled_samples(make):
    seen = []

    class Watch(DWA):
        def observe(self, losses):
            seen.append(losses)
            super().observe(losses)

    data = Values(8, {0: ["one"], 1: ["one", "two"], 2: ["one"], 3: ["one"]})
    told = []

    class Note(df.Callback):
        def update_ended(self, state, control):
            told.append(state.train())

    make(Watch(), data, updates=2, callbacks=[Note()])
    assert set(seen[0]) == {"two", "three"}  # all of "one" are in the second batch
    assert set(seen[1]) == set(HEADS)
    for name in ("two", "three"):
        assert seen[0][name] == pytest.approx(told[0][f"{name}/loss"], rel=1e-6)
    assert told[1]["two/labelled"] == 7


@pytest.mark.parametrize("name", ["pcgrad", "cagrad", "gradnorm", "dwa", "uncertainty"])
def test_a_head_without_labels_is_left_alone(tiny, make, monkeypatch, name):
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: {})
    data = Values(4, {index: ["two"] for index in range(4)})
    network, _ = make(MAKERS[name](), data, batch_size=3)  # an update of 3 of 4 samples
    values = tiny.values(network)
    np.testing.assert_array_equal(values["two_fc_weight"], make.first["two_fc_weight"])
    assert (values["one_fc_weight"] != make.first["one_fc_weight"]).all()
    if name == "uncertainty":
        assert values["two_log_variance"][0] == 0.0
        assert values["one_log_variance"][0] != 0.0


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_weights_that_are_told_are_those_of_the_update(tiny, make, tmp_path, monkeypatch, name):
    """Not those of the next one, which an update changes; also where only its end is resumed."""
    balance, used, told = MAKERS[name](), {}, []
    values = {f"{head}_log_variance": 0.0 for head in HEADS}
    weights = balance.weights

    def noted(update):
        used[update] = weights(update)
        if balance.learned:
            used[update] = balance.weights_now(update, values.get)
        return weights(update)

    def after(state, control):
        told.append({head: state.train()[f"{head}/loss_weight"] for head in HEADS})
        values.update({n: v[0] for n, v in tiny.values(state.network).items() if n in values})

    monkeypatch.setattr(balance, "weights", noted)
    settings = {"updates": 4, "checkpoint": df.Saver(tmp_path, every="1st")}
    _, history = make(balance, callbacks=[tiny.Recorder("update_ended", after)], **settings)
    assert len(told) == len(used) == 4
    for one, other in zip(told, used.values()):
        assert one == pytest.approx(other, rel=1e-5)
    _, again = make(MAKERS[name](), resume="auto", **settings)  # nothing is left of it
    assert again.epochs[-1]["train"] == history.epochs[-1]["train"]


def test_uncertainty_moves_as_its_paper_says(tiny, make):
    """d/ds of exp(-s) L k + s / 2, and the weights that it ends at."""
    balance = Uncertainty(kinds={"two": "regression"}, initial=0.4)
    network, history = make(balance)
    losses = history.epochs[0]["train"]
    for name, kind in (("one", 1.0), ("two", 0.5)):
        gradient = -kind * np.exp(-0.4) * losses[f"{name}/loss"] + 0.5
        found = tiny.values(network)[f"{name}_log_variance"][0]
        assert found == pytest.approx(0.4 - RATE * gradient, rel=1e-4)
        assert losses[f"{name}/loss_weight"] == pytest.approx(kind * np.exp(-0.4), rel=1e-5)
    each = {name: alone(tiny, make, name) for name in HEADS}
    weight = {"one": np.exp(-0.4), "two": 0.5 * np.exp(-0.4), "three": np.exp(-0.4)}
    expected = sum(weight[name] * trunk_of(each[name]) for name in HEADS)
    found = trunk_of(moves(tiny, make, Uncertainty(kinds={"two": "regression"}, initial=0.4)))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_resumed_in_mid_epoch_it_is_the_same_training(tiny, make, tmp_path, name):
    settings = {
        "epochs": 3, "batch_size": 2, "optimizer": "adam", "schedule": df.Constant(0.01),
        "normalised": True, "dropout": 0.3,
    }  # fmt: skip

    def end(state, control):
        if state.update == 6:
            control.stop("for now")

    straight, expected = make(MAKERS[name](), **settings)
    stop = tiny.Recorder("update_ended", end)
    make(MAKERS[name](), checkpoint=tmp_path, callbacks=[stop], **settings)
    resumed, history = make(MAKERS[name](), checkpoint=tmp_path, resume="auto", **settings)
    tiny.assert_equal(straight, resumed)
    assert history.epochs[-1]["train"] == expected.epochs[-1]["train"]


def test_another_balancer_goes_on_and_says_so(tiny, make, tmp_path, caplog):
    make(DWA(), epochs=1, checkpoint=tmp_path)
    make(PCGrad(), epochs=2, checkpoint=tmp_path, resume="auto")
    assert "another balance: PCGrad{" in caplog.text
    assert ", before DWA{" in caplog.text


def test_what_is_not_finite_is_refused_before_the_update(tiny, make):
    class Broken(Values):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            if index == 1:
                sample.targets["two"] = np.array(1e30)
            return sample

    with pytest.raises(TrainingDiverged, match="(?s)head two"):
        make(PCGrad(), Broken(4))
    network, history = make(PCGrad(), Broken(8), updates=2, on_nonfinite="skip", normalised=True)
    assert history.update == 2
    assert all(np.isfinite(value).all() for value in tiny.values(network).values())


def test_updates_of_one_head_each_are_warned_of(make, monkeypatch, caplog):
    monkeypatch.setattr("densefit.train.balancing.LONELY", 4)
    lacking = {k: (["two", "three"] if k < 4 else ["one", "three"]) for k in range(8)}
    lacking[7] = ["one", "two"]  # "three" has a label, in a batch of its own
    make(PCGrad(), Values(8, lacking), batch_size=1, updates=8)
    assert caplog.text.count("none of 4 updates had labels for two heads") == 1
    caplog.clear()
    make(PCGrad(), Values(8, lacking), batch_size=1, accumulate=8, updates=5)
    make(DWA(), Values(8, lacking), batch_size=1, updates=8)
    assert not caplog.text


def test_routes_and_a_frozen_trunk_cannot_be_balanced(tiny, make):
    with pytest.raises(ConfigError, match="(?s)heads of a Network of ours.*routes kind, size"):
        df.fit(tiny.two_heads(), tiny.iterator(4, 4), heads=tiny.routes(), epochs=1, balance=DWA())
    with pytest.raises(ConfigError, match=r"share no parameter[^|]*head three: 2 that it alone"):
        make(PCGrad(), freeze=["trunk_*"])
    make(DWA(), freeze=["trunk_*"])


@pytest.mark.parametrize("balance", [PCGrad, GradNorm, CAGrad])
def test_gradients_of_one_head_cannot_be_balanced(tiny, balance):
    network = df.Network(Trunk(), [tiny.Brightness("brightness")])
    data = df.Loader(Values(), batch_size=4, heads=network.heads, workers=0)
    with pytest.raises(ConfigError, match="the network has one") as raised:
        df.fit(network, data, updates=1, balance=balance())
    assert "freeze" not in str(raised.value)


def test_the_learned_weights_go_with_a_checkpoint_and_out_of_the_way(tiny, make, tmp_path):
    network, _ = make(Uncertainty(), epochs=2, checkpoint=tmp_path, validation=None)
    assert "one_log_variance" in network.parameters
    again = df.Network(Trunk(), network.heads)
    df.load(tmp_path, again)
    data = df.Loader(Values(), batch_size=4)
    for head in again.heads:
        head.ground_truth = lambda targets, name=head.name: targets[name]
    assert df.score(again, data) == df.score(network, data)


def test_validation_on_several_datasets(tiny, make, tmp_path):
    """Each by the heads that it has labels for; the best checkpoint by one of their scores."""

    def scored(network):
        for head in network.heads:
            head.ground_truth = lambda targets, name=head.name: targets.get(name)
        first = Values(5, {index: ["two"] for index in range(5)})
        second = Values(4, {index: ["one", "three"] for index in range(4)})
        return {name: df.Loader(data, batch_size=4) for name, data in
                (("a", first), ("b", second))}  # fmt: skip

    network, _ = make(None)
    data = scored(network)
    expected = df.score(network, data)
    assert set(expected) == {"a/one/mae", "a/three/mae", "b/two/mae"}
    saver = df.Saver(tmp_path, keep=df.Keep(best="b/two/mae"))
    seen = tiny.Recorder("fit_started", lambda state, control: state.directions)
    history = df.fit(
        network, df.Loader(Values(), batch_size=4, heads=network.heads), epochs=3, checkpoint=saver,
        validation=data, schedule=df.Constant(0.01), callbacks=[seen],
    )  # fmt: skip
    assert seen.seen == [dict.fromkeys(expected, False)]
    scores = [epoch["validation"]["b/two/mae"] for epoch in history.epochs]
    assert saver.keep.leader.score == min(scores)
    assert history.last_validation == df.score(network, data)
    train = df.Loader(Values(), batch_size=4, heads=network.heads)
    with pytest.raises(ConfigError, match="training back"):
        df.fit(network, train, epochs=1, validation={"a": train})


@pytest.mark.parametrize("present", [HEADS, ("one", "three"), ("three",), ()])
def test_a_pass_is_made_for_each_head_that_has_labels(mx, make, monkeypatch, present):
    """The first of them need not be the network's first."""
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: {})
    passes = []
    forward = mx.mod.Module.forward_backward
    monkeypatch.setattr(
        mx.mod.Module,
        "forward_backward",
        lambda self, batch: (passes.append(1), forward(self, batch))[1],
    )
    lacking = dict.fromkeys(range(4), [name for name in HEADS if name not in present])
    make(PCGrad(), Values(8, lacking))
    assert len(passes) == max(1, len(present))
