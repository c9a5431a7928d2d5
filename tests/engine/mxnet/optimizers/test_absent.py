"""What only heads without labels read stands still in an update: parameters, states, statistics."""

import functools

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.data.sample import Sample
from densefit.engine.graph.losses import losses_of, shared_parameters
from densefit.engine.mxnet.learner import Learner
from densefit.model.backbones import Backbone
from densefit.model.heads.head import Term
from densefit.model.layers import conv_bn
from densefit.train.balance import Fixed, Uncertainty

ONE, TWO, BOTH, NONE = ("one",), ("two",), ("one", "two"), ()
ADAM = {"optimizer": "adam", "optimizer_params": {"wd": 0.1}, "schedule": df.Constant(0.01)}


class Trunk(Backbone):
    """A convolution with BatchNorm, at stride 8."""

    name = "trunk"

    def maps(self, x, output_stride):
        x = mx.sym.Pooling(x, kernel=(4, 4), stride=(4, 4), pool_type="avg")
        return {8: (conv_bn(x, "trunk", 4, stride=2), 4)}


@functools.cache
def variable(name):
    """The one for all heads that read it: of two of a name, MXNet would make two."""
    return mx.sym.Variable(name, shape=(1 if "_fc_" in name else 4, 4))


class Number(df.Head):
    """A number, by layers with BatchNorm of its own, and one that it may share with others."""

    output_stride = 8

    def __init__(self, name, shared="", peeks=""):
        self.name, self.targets = name, (name,)
        self.shared, self.peeks = shared, peeks

    def labels(self, input_size):
        return [df.Label("value", ())]

    def _value(self, features):
        x = conv_bn(features.maps[8], f"{self.name}_own", 4)
        x = mx.sym.mean(x, axis=(2, 3))
        if self.shared:
            weight = variable(f"{self.shared}_weight")
            x = mx.sym.FullyConnected(x, weight=weight, num_hidden=4, no_bias=True)
        if self.peeks:  # without teaching it anything
            weight = mx.sym.BlockGrad(variable(f"{self.peeks}_fc_weight"))
            x = mx.sym.broadcast_mul(x, 1 + weight)
        weight = variable(f"{self.name}_fc_weight")
        return mx.sym.FullyConnected(x, weight=weight, num_hidden=1, name=f"{self.name}_fc")

    def train(self, features, labels):
        value = mx.sym.reshape(self._value(features), shape=(-1,))
        return {"loss": mx.sym.square(value - labels["value"])}

    def evaluate(self, features):
        return {"value": mx.sym.reshape(self._value(features), shape=(-1,))}

    def encode(self, sample):
        return {"value": np.array(sample.targets[self.name], np.float32)}

    def decode(self, outputs, geometries):
        return list(outputs["value"])

    def ground_truth(self, targets):
        return targets.get(self.name)

    def metrics(self):
        return []


class Terms(Number):
    """The losses `one` and `two`, each by a layer and labels of its own."""

    def __init__(self):
        super().__init__("pair")
        self.targets = BOTH
        self.terms = {name: Term((name,)) for name in BOTH}

    def labels(self, input_size):
        return [df.Label(name, ()) for name in BOTH]

    def _term(self, features, name):
        x = conv_bn(features.maps[8], f"pair_{name}", 4)
        x = mx.sym.FullyConnected(mx.sym.mean(x, axis=(2, 3)), num_hidden=1, name=f"pair_{name}_fc")
        return mx.sym.reshape(x, shape=(-1,))

    def train(self, features, labels):
        return {name: mx.sym.square(self._term(features, name) - labels[name]) for name in BOTH}

    def evaluate(self, features):
        return {name: self._term(features, name) for name in BOTH}

    def encode(self, sample):
        return {k: np.array(v, np.float32) for k, v in sample.targets.items()}

    def decode(self, outputs, geometries):
        return list(outputs["one"])


class Data:
    """Pictures of noise; sample i has the numbers `has[i]`."""

    classes = ()

    def __init__(self, has):
        self.has = has

    def __len__(self):
        return len(self.has)

    def id_of(self, index):
        return f"{index}"

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        image = (rng.uniform(40, 215, 3) + rng.integers(-30, 30, (16, 16, 3))).astype(np.uint8)
        return Sample(f"{index}", image, {name: np.array(rng.normal()) for name in self.has[index]})


def train(has, heads=None, batch_size=2, **settings):
    """(network, [everything after each update]); of two samples of a batch, both have the same."""
    heads = heads or [Number("one"), Number("two")]
    network = df.Network(Trunk(), heads)
    data = Data([own for own in has for _ in range(2)])
    loader = df.Loader(data, batch_size=batch_size, heads=heads, workers=0)
    seen = []

    class Look(df.Callback):
        def fit_started(self, state, control):
            self.learner = control_learner[0]

        def update_ended(self, state, control):
            arrays, counters = self.learner.optimizer_state()
            counts = {f"count {k}": np.array(v) for k, v in counters["counts"].items()}
            states = {f"state {k}": v for k, v in arrays.items()}
            seen.append({**self.learner.parameters.training_values(), **states, **counts})

    control_learner = []

    class Known(Learner):
        def __init__(self, *given):
            super().__init__(*given)
            control_learner.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("densefit.engine.mxnet.Learner", Known)
        settings = {"epochs": 1, "label_within": 100, **ADAM, **settings}
        df.fit(network, loader, callbacks=[Look()], **settings)
    return network, seen


def still(before, after, *parts):
    """Names of what has not changed by a bit, of those that have one of the parts in them."""
    chosen = {name for name in {*before, *after} if any(part in name for part in parts)}
    assert chosen
    return {
        name for name in chosen if name in before and np.array_equal(before[name], after[name])
    }, chosen


SPLITS = {
    "whole": {},
    "micro-batches": {"batch_size": 1, "accumulate": 2},
    "two devices": {"devices": [mx.cpu(0), mx.cpu(1)]},
    "two devices, each by itself": {"devices": [mx.cpu(0), mx.cpu(1)]},
}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_parameters_states_and_statistics_of_an_absent_head_stand_still(
    split, optimizer, monkeypatch
):
    if "itself" in split:  # what MXNet does with more than 16 million numbers
        monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "0")
    settings = {**SPLITS[split], "optimizer": optimizer}
    if optimizer == "sgd":
        settings["optimizer_params"] = {"momentum": 0.9, "wd": 0.1}
    _, seen = train([BOTH, ONE, ONE, TWO, NONE, BOTH], **settings)
    for number, absent, present in ((1, "two_", "one_"), (2, "two_", "one_"), (3, "one_", "two_")):
        same, chosen = still(*seen[number - 1 : number + 1], absent)
        assert same == chosen
        kinds = {name.partition(":")[0].partition(" ")[0] for name in chosen}
        assert kinds == {"arg", "aux", "state", "count"}
        for name in ("present", "trunk"):
            part = present if name == "present" else name
            same, _ = still(*seen[number - 1 : number + 1], part)
            assert not same
    same, chosen = still(seen[3], seen[4], "_")
    assert same == chosen  # nobody had a label
    same, _ = still(seen[4], seen[5], "arg:", "count")
    assert not same


def test_counts_are_of_the_updates_that_a_head_was_in():
    _, seen = train([TWO, TWO, ONE, NONE, BOTH])
    assert [int(one["count two_fc_weight"]) for one in seen] == [1, 2, 2, 2, 3]
    assert [int(one.get("count one_fc_weight", 0)) for one in seen] == [0, 0, 1, 1, 2]
    assert [int(one["count trunk_weight"]) for one in seen] == [1, 2, 3, 3, 4]


@pytest.mark.parametrize("split", ["whole", "micro-batches"])
def test_one_head_alone(split):
    """Of micro-batches it is not known yet whether one has labels: an update's last may."""
    has = [ONE, NONE, ONE]
    _, seen = train(has, [Number("one")], **SPLITS[split])
    same, chosen = still(seen[0], seen[1], "_")
    assert same == chosen
    same, _ = still(seen[1], seen[2], "arg:", "aux:", "count")
    assert not same

    class Late(Data):
        def __init__(self, has):
            super().__init__(has)
            self.has = [ONE, ONE, NONE, ONE, ONE, ONE]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "Data", Late)
        _, seen = train(has, [Number("one")], **SPLITS[split])
    same, _ = still(seen[0], seen[1], "arg:", "aux:", "count")
    assert not same


def test_what_heads_share_moves_with_any_of_them():
    heads = [Number("one", "both"), Number("two", "both"), Number("three")]
    _, seen = train([("one", "two", "three"), ONE, ("three",)], heads)
    assert still(seen[0], seen[1], "arg:both_weight")[0] == set()
    same, chosen = still(seen[1], seen[2], "both", "one_", "two_")
    assert same == chosen
    assert still(seen[1], seen[2], "arg:three_own_weight", "aux:three")[0] == set()


def test_a_head_that_only_looks_at_another_one_does_not_move_it():
    """Its gradient of that is none: behind a BlockGrad nothing is learned."""
    heads = [Number("one"), Number("two", peeks="one")]
    _, seen = train([BOTH, TWO], heads)
    same, chosen = still(seen[0], seen[1], "one_")
    assert same == chosen
    assert "arg:one_fc_weight" in chosen


@pytest.mark.parametrize("balance", [None, Uncertainty()], ids=["plain", "uncertainty"])
def test_a_term_without_labels_leaves_its_own_layers_alone(balance):
    _, seen = train([BOTH, ONE, TWO, NONE], [Terms()], balance=balance)
    for number, absent, present in ((1, "pair_two", "pair_one"), (2, "pair_one", "pair_two")):
        same, chosen = still(seen[number - 1], seen[number], absent)
        assert same == chosen
        same, _ = still(seen[number - 1], seen[number], f"arg:{present}_weight", f"aux:{present}")
        assert not same
    same, chosen = still(seen[2], seen[3], "_")
    assert same == chosen
    if balance is not None:
        assert not still(seen[1], seen[2], "arg:pair_log_variance")[0]


def test_a_head_that_a_balance_weighs_by_nothing_is_not_absent():
    """It has labels, and a gradient of 0: decay and momentum go on."""
    _, seen = train([BOTH, BOTH], balance=Fixed({"two": 0.0}))
    assert not still(seen[0], seen[1], "arg:two_own_weight", "aux:two", "count two")[0]


def test_the_average_goes_on():
    """It is over the updates, of what the weights were after each."""
    network, seen = train([BOTH, TWO, TWO], ema=df.EMA(0.5, warmup=False))
    first = seen[0]["arg:one_fc_weight"]
    start = train([BOTH], schedule=df.Constant(1e-30))[1][0]["arg:one_fc_weight"]
    expected = start
    for one in seen:
        np.testing.assert_array_equal(one["arg:one_fc_weight"], first)
        expected = 0.5 * expected + 0.5 * first
    found = network.parameters["one_fc_weight"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("batches", ["in_turn", "mixed"])
def test_a_resume_knows_how_often_each_head_was_there(tmp_path, batches):
    def fit(**settings):
        heads = [Number("one"), Number("two")]
        network = df.Network(Trunk(), heads)
        data = df.Mixture(
            {"a": Data([ONE, ONE, NONE, ONE, ONE, ONE]), "b": Data([TWO] * 6)}, batches=batches
        )
        loader = df.Loader(data, batch_size=2, heads=heads, workers=0, shuffle=True)
        df.fit(network, loader, **{**ADAM, **settings})
        arguments, auxiliary = (df.interop.arg_params(network), df.interop.aux_params(network))
        return {k: v.asnumpy() for k, v in {**arguments, **auxiliary}.items()}

    straight = fit(updates=9)
    for cut in (1, 4):  # of batches in turn, the first is of one dataset
        fit(updates=cut, checkpoint=tmp_path / str(cut))
        resumed = fit(updates=9, checkpoint=tmp_path / str(cut), resume="auto")
        for name, value in straight.items():
            np.testing.assert_array_equal(value, resumed[name], err_msg=name)


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize(
    "has", [[ONE, TWO, NONE, ONE, TWO], [BOTH, NONE, BOTH, NONE, NONE, BOTH, BOTH, ONE]]
)
def test_a_scheduler_of_mxnets_counts_all_updates(has, is_frozen):
    """Though no parameter is in each of them."""
    asked = []

    class Watch(mx.lr_scheduler.LRScheduler):
        def __call__(self, number):
            asked.append(number)
            return 0.01

    optimizer = mx.optimizer.SGD(lr_scheduler=Watch())
    train(
        has, freeze=["trunk_*"] if is_frozen else [],
        optimizer=optimizer, optimizer_params=None, schedule=None,
    )  # fmt: skip
    learning = {number for number, heads in enumerate(has, 1) if heads}
    assert learning <= set(asked) <= set(range(1, len(has) + 1))
    assert asked == sorted(asked)


def test_a_scheduler_of_mxnets_goes_on_counting_in_a_resumed_training(tmp_path):
    asked = []

    class Watch(mx.lr_scheduler.LRScheduler):
        def __call__(self, number):
            asked.append(number)
            return 0.01

    for updates in (2, 5):
        asked.append(f"to {updates}")
        heads = [Number("one"), Number("two")]
        data = Data([BOTH, NONE, BOTH, BOTH, BOTH])
        df.fit(
            df.Network(Trunk(), heads), df.Loader(data, batch_size=1, heads=heads, workers=0),
            updates=updates, optimizer=mx.optimizer.SGD(lr_scheduler=Watch()), seed=1,
            checkpoint=tmp_path, resume="auto", label_within=100,
        )  # fmt: skip
    assert asked.index("to 5") > 1
    assert list(dict.fromkeys(asked[asked.index("to 5") + 1 :])) == [3, 4, 5]


def test_losses_of_inputs():
    x, a, b, c = map(mx.sym.Variable, "xabc")
    first = mx.sym.MakeLoss(x * a + mx.sym.BlockGrad(b), name="first")
    second = mx.sym.MakeLoss(x * b * c, name="second")
    learning, reading = losses_of(mx.sym.Group([first, second]), {"first": "1", "second": "2"})
    assert learning == {"x": {"1", "2"}, "a": {"1"}, "b": {"2"}, "c": {"2"}}
    assert reading == {"x": {"1", "2"}, "a": {"1"}, "b": {"1", "2"}, "c": {"2"}}


def test_what_a_head_only_looks_at_is_not_shared():
    """Its gradient is the other head's alone, and in no combination of gradients."""
    heads = [Number("one"), Number("two", peeks="one")]
    network = df.Network(Trunk(), heads)
    symbol = network.graph("train", (16, 16))
    shared = shared_parameters(symbol, network, symbol.list_arguments())
    assert shared == ["data", "trunk_weight", "trunk_bn_gamma", "trunk_bn_beta"]
