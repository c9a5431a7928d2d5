"""Balancers at the features, and between comparisons: what the trunk and the heads get."""

import numpy as np
import pytest
import torch

import densefit as df
from densefit.engine.batch_reader import BatchReader
from densefit.errors import ConfigError, TrainingDiverged
from densefit.model.backbones import Backbone
from densefit.symbol import sym
from densefit.train.balance import CAGrad, Fixed, GradDrop, GradientBalancer, GradNorm, PCGrad
from tests.train.test_balancing import HEADS, Values

RATE = 0.1


class Trunk(Backbone):
    """A convolution, BatchNorm and dropout if wanted, and a map of one pixel."""

    name = "trunk"

    def __init__(self, normalised=False, dropout=0.0):
        self.normalised, self.dropout = normalised, dropout

    def maps(self, x, output_stride):
        x = sym.Convolution(x, kernel=(4, 4), stride=(4, 4), num_filter=6, name="trunk_conv")
        if self.normalised:
            x = sym.BatchNorm(x, fix_gamma=False, name="trunk_bn")
        x = sym.Dropout(sym.Activation(x, act_type="tanh"), p=self.dropout)
        return {32: (sym.Pooling(x, kernel=(8, 8), stride=(8, 8), pool_type="avg"), 6)}


class Weighted(GradientBalancer):
    """Factors by hand, and the Gram matrices that come."""

    def __init__(self, by_hand, **settings):
        super().__init__(**settings)
        self._by_hand, self._grams = by_hand, []

    def factors(self, gram):
        self._grams.append(gram)
        return super().factors(gram)

    def _factors(self, gram, heads):
        return np.array([self._by_hand[head] for head in heads])


UNEQUAL = {"one": 0.5, "two": -2.0, "three": 3.0}
EQUAL = dict.fromkeys(HEADS, 1.0)


@pytest.fixture
def make(tiny):
    """make(balance, **settings) -> (network, history), on PyTorch."""

    class Own(tiny.Brightness):
        def __init__(self, name, dropout):
            super().__init__(name, dropout=dropout)
            self.targets = (name,)

        def encode(self, sample):
            return {"value": np.array(sample.targets[self.name], np.float32)}

    def fit(balance, data=None, batch_size=4, normalised=False, dropout=0.0, **settings):
        network = df.Network(Trunk(normalised, dropout), [Own(name, dropout) for name in HEADS])
        rng = np.random.default_rng(9)
        values = {"trunk_conv_weight": rng.normal(0, 0.02, (6, 3, 4, 4))}
        values["trunk_conv_bias"] = np.zeros(6)
        for name in HEADS:
            values[f"{name}_fc_weight"] = rng.normal(0, 1, (1, 6))
            values[f"{name}_fc_bias"] = np.zeros(1)
        moving = {}
        if normalised:
            values.update({"trunk_bn_gamma": np.ones(6), "trunk_bn_beta": np.zeros(6)})
            moving = {"trunk_bn_moving_mean": np.zeros(6), "trunk_bn_moving_var": np.ones(6)}
        first = [{k: v.astype(np.float32) for k, v in part.items()} for part in (values, moving)]
        network.set_params(*first)
        loader = df.Loader(data or Values(), batch_size=batch_size, heads=network.heads, workers=0)
        if "epochs" not in settings:
            settings.setdefault("updates", 1)
        settings.setdefault("schedule", df.Constant(RATE))
        settings.setdefault("engine", "torch")
        history = df.fit(network, loader, balance=balance, progress=False, **settings)
        fit.first = {**first[0], **first[1]}
        return network, history

    return fit


def moves(tiny, make, balance, **settings):
    """The gradient of an update of plain SGD, by name; statistics moved by themselves."""
    network, _ = make(balance, **settings)
    values = tiny.values(network).items()
    return {name: (make.first[name] - value) / RATE for name, value in values}


def assert_same(first, second, tolerance=1e-5):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_allclose(value, second[name], rtol=1e-3, atol=tolerance, err_msg=name)


SETTINGS = {
    "plain": {},
    "accumulated": {"batch_size": 2, "accumulate": 2},
    "statistics and dropout": {"normalised": True, "dropout": 0.5},
    "all of it": {"normalised": True, "dropout": 0.5, "batch_size": 2, "accumulate": 3},
}
every_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))


@every_setting
def test_equal_factors_are_no_balance(tiny, make, settings):
    plain = moves(tiny, make, None, **settings)
    assert_same(plain, moves(tiny, make, Weighted(EQUAL, at="features"), **settings))


@every_setting
def test_the_trunk_gets_the_weighted_sum_and_the_heads_their_gradients(tiny, make, settings):
    found = moves(tiny, make, Weighted(UNEQUAL, at="features"), **settings)
    assert_same(found, moves(tiny, make, Weighted(UNEQUAL), **settings))
    plain = moves(tiny, make, None, **settings)
    trunk, fc = "trunk_conv_weight", "two_fc_weight"
    assert np.abs(found[trunk] - plain[trunk]).max() > 1e-2
    np.testing.assert_allclose(found[fc], plain[fc], rtol=1e-4)


@every_setting
def test_graddrop_that_leaks_all_is_no_balance(tiny, make, settings):
    plain = moves(tiny, make, None, **settings)
    assert_same(plain, moves(tiny, make, GradDrop(leak=1.0, at="features"), **settings))


def products_of_features(make, settings):
    """(heads, heads) products of the gradients of the mean losses, by the formulas."""
    network, _ = make(None, **settings)
    size = settings.get("batch_size", 4)
    loader = df.Loader(Values(), batch_size=size, heads=network.heads, workers=0)
    reader = BatchReader(loader, list(network.adapters.values()), "here")
    first = make.first
    gradients = []
    for _, batch in zip(range(settings.get("accumulate", 1)), reader.batches()):
        mean, std = (np.reshape(v, (3, 1, 1)) for v in (Trunk.mean, Trunk.std))
        x = torch.as_tensor(((batch.data["data"] - mean) / std).astype(np.float32))
        w, b = (torch.as_tensor(first[f"trunk_conv_{kind}"]) for kind in ("weight", "bias"))
        maps = torch.tanh(torch.conv2d(x, w, b, stride=4)).mean(dim=(2, 3)).numpy()
        rows = []
        for name in HEADS:
            errors = maps @ first[f"{name}_fc_weight"][0] - batch.labels[f"{name}_value"]
            errors = errors * batch.labelled[name]
            rows.append(2 * errors[:, None] * first[f"{name}_fc_weight"])
        gradients.append(np.stack(rows).reshape(len(HEADS), -1))
    whole = np.concatenate(gradients, axis=1) / 4  # samples of an update
    return whole @ whole.T


@pytest.mark.parametrize("accumulated", ["all", "previous"])
@pytest.mark.parametrize("settings", [{}, {"batch_size": 2, "accumulate": 2}])
def test_products_are_of_the_features_of_all_micro_batches(make, settings, accumulated):
    balancer = Weighted(EQUAL, at="features", accumulated=accumulated)
    make(balancer, **settings)
    (found,) = balancer._grams
    np.testing.assert_allclose(found, products_of_features(make, settings), rtol=1e-4)


def test_a_head_without_labels_has_products_of_exactly_zero(tiny, make, monkeypatch):
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: {})
    data = Values(8, {index: ["two"] for index in range(4)})
    balancer = Weighted(UNEQUAL, at="features")
    found = moves(tiny, make, balancer, data=data)
    (gram,) = balancer._grams
    assert (gram[1] == 0).all()
    assert (gram[:, 1] == 0).all()
    assert (found["two_fc_weight"] == 0).all()
    expected = moves(tiny, make, Weighted(UNEQUAL), data=data)
    assert_same(found, expected)


@pytest.mark.parametrize("at", ["parameters", "features"])
def test_every_n_updates_use_the_factors_of_the_last_comparison(tiny, make, at):
    balancer = Weighted(UNEQUAL, at=at, every=2)
    compared = make(balancer, updates=3)[0]
    assert len(balancer._grams) == 2  # updates 0 and 2
    always = make(Weighted(UNEQUAL, at=at), updates=3)[0]
    assert_same(tiny.values(compared), tiny.values(always))


def test_factors_of_the_update_before(tiny, make):
    """The first update has the plain sum, the second the factors of the first."""
    settings = {"at": "features", "accumulated": "previous"}
    plain = moves(tiny, make, None)
    assert_same(plain, moves(tiny, make, Weighted(UNEQUAL, **settings)))
    found = make(Weighted(UNEQUAL, **settings), updates=2)[0]
    plain_then = make(None)[0]
    start = {**tiny.values(plain_then)}
    last = {name: (start[name] - value) / RATE for name, value in tiny.values(found).items()}
    network, _ = make(None, updates=2)
    other = {name: (start[name] - v) / RATE for name, v in tiny.values(network).items()}
    assert np.abs(last["trunk_conv_weight"] - other["trunk_conv_weight"]).max() > 1e-2
    np.testing.assert_allclose(last["two_fc_weight"], other["two_fc_weight"], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"at": "features"},
        {"at": "features", "every": 3},
        {"at": "parameters", "every": 2},
        {"at": "features", "accumulated": "previous", "accumulate": 2},
        {"at": "features", "accumulated": "all", "accumulate": 2, "every": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [PCGrad, CAGrad, GradNorm])
def test_a_resume_goes_on_exactly(tiny, make, tmp_path, kind, settings):
    own = {key: value for key, value in settings.items() if key != "accumulate"}
    rest = {"accumulate": settings.get("accumulate", 1), "batch_size": 2, "checkpoint": tmp_path}
    whole = make(kind(**own), updates=5, **{**rest, "checkpoint": None})[0]
    make(kind(**own), updates=2, **rest)
    found = make(kind(**own), updates=5, resume="auto", **rest)[0]
    tiny.assert_equal(whole, found)


def test_gradients_that_are_not_finite_are_told_by_head(tiny, make, monkeypatch):
    from densefit.engine.torch.split_passes import SplitPasses

    gram = SplitPasses.gram

    def broken(self):
        found = gram(self)
        found[1] = found[:, 1] = np.nan
        return found

    monkeypatch.setattr(SplitPasses, "gram", broken)
    with pytest.raises(TrainingDiverged, match="that of two"):
        make(CAGrad(at="features"))


def test_a_trunk_that_is_not_trained_is_refused(make):
    with pytest.raises(ConfigError, match="share no parameter"):
        make(CAGrad(at="features"), freeze=["trunk_*"])


def test_one_head_is_refused(tiny):
    network = df.Network(Trunk(), [tiny.Brightness("brightness")])
    data = df.Loader(Values(), batch_size=4, heads=network.heads, workers=0)
    with pytest.raises(ConfigError, match="the network has one"):
        df.fit(network, data, updates=1, balance=CAGrad(at="features"), engine="torch")


@pytest.mark.mxnet
@pytest.mark.parametrize("settings", [{"at": "features"}, {"every": 2}])
def test_mxnet_refuses_by_name(make, settings):
    with pytest.raises(ConfigError, match="(?s)cannot stop at the features.*engine='torch'"):
        make(CAGrad(**settings), engine="mxnet")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"at": "layers"}, "at='layers'"),
        ({"accumulated": "none"}, "accumulated='none'"),
        ({"every": 0}, "every"),
        ({"every": 1.5}, "every"),
    ],
)
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        CAGrad(**settings)


def test_settings_by_default_are_those_of_earlier_checkpoints():
    from densefit.data.stable_repr import stable_repr

    assert stable_repr(CAGrad()) == "CAGrad{c: 0.4}"
    assert "every: 2" in stable_repr(CAGrad(every=2))


def test_equal_weights_of_a_balancer_of_losses_are_unchanged(tiny, make):
    assert_same(moves(tiny, make, None), moves(tiny, make, Fixed()))
