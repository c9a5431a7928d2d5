"""Samples that carry the truth of some of a head's loss terms only."""

from dataclasses import replace

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.engine.batch_reader import BatchReader
from densefit.errors import BindError, DataError
from densefit.model.backbones import Backbone
from densefit.model.heads.head import Head, Label, Term
from densefit.symbol import sym
from densefit.train.balance import Uncertainty, balancers

BOTH, ONE, TWO, NONE = ("one", "two"), ("one",), ("two",), ()


class Plain(Backbone):
    """Without BatchNorm, through which samples would know of each other."""

    name = "plain"

    def maps(self, x, output_stride):
        x = sym.Convolution(x, kernel=(3, 3), stride=(4, 4), num_filter=4, name="plain_conv")
        x = sym.Activation(x, act_type="tanh")
        return {32: (sym.Pooling(x, kernel=(8, 8), stride=(8, 8), pool_type="avg"), 4)}


class Pair(Head):
    """Two numbers of a picture, each with a loss that has no derivative where its label is 0."""

    name = "pair"
    targets = BOTH

    def __init__(self, terms=("one", "two"), weight=1.0, sparse=True):
        self.weight, self.sparse, self.own = weight, sparse, terms
        self.targets = terms
        self.terms = {f"{name}_loss": Term((name,), self._positive(name)) for name in terms}

    @staticmethod
    def _positive(name):
        return lambda labels: float(labels[name]) > 0

    def labels(self, input_size):
        return [Label(name, ()) for name in self.own]

    def encode(self, sample):
        known = {k: np.float32(sample.targets[k]) for k in self.own if k in sample.targets}
        return known

    def _value(self, features, name):
        flat = sym.flatten(features.maps[32])
        value = sym.FullyConnected(flat, num_hidden=1, name=f"{self.name}_{name}")
        return sym.reshape(value, shape=(-1,))

    def train(self, features, labels):
        return {
            f"{name}_loss": sym.square(sym.log(labels[name]) - self._value(features, name))
            / sym.sqrt(labels[name])
            for name in self.own
        }

    def evaluate(self, features):
        return {name: self._value(features, name) for name in self.own}

    def decode(self, outputs, geometries):
        return list(outputs[self.own[0]])

    def ground_truth(self, targets):
        return None

    def metrics(self):
        return []


class Partial:
    """Picture i has the targets `has[i]`: numbers from 1 on, but for those `zero`."""

    classes = ()

    def __init__(self, has, rows=None, zero=()):
        self.has, self.zero = has, zero
        self.rows = range(len(has)) if rows is None else rows

    def __len__(self):
        return len(self.has)

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        row = self.rows[index]
        image = np.random.default_rng(row).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        values = {"one": 1.0 + row, "two": 3.0 + 2 * row}
        given = {k: np.array(0.0 if (row, k) in self.zero else values[k]) for k in self.has[index]}
        return Sample(self.id_of(index), image, given)


def trained(has, head=None, rows=None, zero=(), batch_size=None, updates=1, **settings):
    head = head or Pair()
    network = df.Network(Plain(), [head])
    first = {"plain_conv_weight": np.linspace(-0.1, 0.1, 108).reshape(4, 3, 3, 3)}
    first["plain_conv_bias"] = np.zeros(4)
    for name in head.own:
        first[f"pair_{name}_weight"] = np.full((1, 16), 0.3 + (name == "two"))
        first[f"pair_{name}_bias"] = np.zeros(1)
    network.set_params({key: value.astype(np.float32) for key, value in first.items()})
    data = Partial(has, rows, zero)
    loader = df.Loader(data, batch_size=batch_size or len(has), heads=[head], workers=0)
    settings = {"schedule": df.Constant(0.01), "updates": updates, **settings}
    history = df.fit(network, loader, **settings)
    return dict(network.parameters), history, first


SPLITS = {
    "whole": {},
    "accumulated": {"batch_size": 2, "accumulate": 3},
    "two devices": {"devices": ["cpu:0", "cpu:1"]},
}


@pytest.mark.parametrize(
    "split", ["whole", "accumulated", pytest.param("two devices", marks=pytest.mark.mxnet)]
)
@pytest.mark.parametrize("balance", [None, Uncertainty()], ids=["plain", "uncertainty"])
def test_each_term_is_the_mean_over_the_samples_that_have_it(split, balance):
    """Both terms in one update move the trunk as much as each alone on the samples that have it."""
    has = [BOTH, ONE, ONE, NONE, TWO, ONE]
    # s = 0 at the start: exp(-s) = 1, and the first update is that of the plain sum.
    mixed, history, first = trained(has, balance=balance, **SPLITS[split])
    numbers = history.epochs[0]["train"]
    moved = {"plain_conv_weight": 0.0, "plain_conv_bias": 0.0}
    for name in ("one", "two"):
        rows = [row for row, own in enumerate(has) if name in own]
        alone, told, _ = trained([(name,)] * len(rows), Pair((name,)), rows)
        for key in (f"pair_{name}_weight", f"pair_{name}_bias"):
            np.testing.assert_allclose(mixed[key], alone[key], rtol=2e-5, atol=1e-6)
        for key in moved:
            moved[key] = moved[key] + (alone[key] - first[key])
        assert numbers[f"pair/{name}_loss/labelled"] == len(rows)
        assert numbers[f"pair/{name}_loss"] == pytest.approx(
            told.epochs[0]["train"][f"pair/{name}_loss"], rel=1e-5
        )
    for key, step in moved.items():
        np.testing.assert_allclose(mixed[key] - first[key], step, rtol=1e-3, atol=1e-6)


def test_uncertainty_learns_from_the_sum_of_the_terms_means():
    """One plain update from s = 0: ds = 1/2 - (sum of the means)."""
    has = [BOTH, ONE, ONE, NONE, TWO, ONE]
    rate = 0.01
    found, history, _ = trained(has, balance=Uncertainty(), schedule=df.Constant(rate))
    loss = history.epochs[0]["train"]["pair/loss"]
    assert found["pair_log_variance"][0] == pytest.approx(-rate * (0.5 - loss), rel=1e-4)


def test_a_term_without_labels_in_an_update_is_left_as_it_was(tiny):
    seen = tiny.Recorder("update_ended", lambda state, control: state.train())
    found, history, _ = trained(
        [BOTH, BOTH, ONE, ONE], batch_size=2, updates=2, callbacks=[seen], checkpoint=None
    )
    before, _, _ = trained([BOTH, BOTH])
    np.testing.assert_array_equal(found["pair_two_weight"], before["pair_two_weight"])
    assert (found["pair_one_weight"] != before["pair_one_weight"]).all()
    assert "pair/two_loss/labelled" not in seen.seen[0]
    assert seen.seen[1]["pair/two_loss/labelled"] == 2
    only, history, _ = trained([ONE, ONE, BOTH], batch_size=1, updates=1)
    numbers = history.epochs[0]["train"]
    assert np.isnan(numbers["pair/two_loss"])  # none, and not 0.0
    assert numbers["pair/loss"] == pytest.approx(numbers["pair/one_loss"])


def test_no_sample_needs_to_have_all_and_no_loss_needs_a_derivative_at_zero():
    """What stands in for a term's labels is of a sample that has them."""
    found, _, _ = trained([ONE, TWO, TWO, ONE], epochs=3, updates=None, batch_size=2)
    assert all(np.isfinite(value).all() for value in found.values())


def test_a_term_whose_target_says_nothing_is_not_labelled():
    data = Partial([ONE, TWO, TWO, ONE, BOTH], zero=((0, "one"), (2, "two"), (4, "two")))
    batch = next(df.Loader(data, batch_size=5, heads=[Pair()], workers=0))
    found = {key: np.flatnonzero(has).tolist() for key, has in batch.labelled.items()}
    assert found == {"pair": [1, 3, 4], "pair/one_loss": [3, 4], "pair/two_loss": [1]}


@pytest.mark.parametrize("balance", ["dwa", "gradnorm", "pcgrad"])
def test_balancers_are_told_the_means_of_the_terms(balance):
    told = []
    head, other = Pair(), Pair()
    other.name = "other"
    network = df.Network(Plain(), [head, other])
    own = balancers.create(balance)
    observe = own.observe
    own.observe = lambda losses: (told.append(dict(losses)), observe(losses))
    has = [BOTH, ONE, ONE, TWO]
    loader = df.Loader(Partial(has), batch_size=2, heads=network.heads, workers=0)
    settings = {"schedule": df.Constant(0.01), "updates": 1, "accumulate": 2}
    history = df.fit(network, loader, balance=own, **settings)
    numbers = history.epochs[0]["train"]
    keys = [f"{name}/{term}_loss" for name in ("pair", "other") for term in ("one", "two")]
    assert told == [{key: pytest.approx(numbers[key], rel=1e-5) for key in keys}]


def test_a_term_that_never_sees_a_label_is_an_error(monkeypatch):
    has = [ONE] * 4
    with pytest.raises(DataError, match="'pair' learns the target 'two'"):
        trained(has)
    found = {"pair": [Partial([BOTH])[0]]}
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: found)
    with pytest.raises(DataError, match="The loss 'two_loss' of the head 'pair' has not seen one"):
        trained(has, epochs=1, updates=None)


def test_a_batch_that_tells_of_heads_only_tells_the_same_of_their_terms():
    network = df.Network(Plain(), [Pair()])
    loader = df.Loader(Partial([BOTH] * 2), batch_size=2, heads=network.heads, workers=0)
    adapters = list(network.adapters.values())
    batch = next(loader)
    for told, expected in (({"pair": np.array([True, False])}, [True, False]), ({}, [True] * 2)):
        given = OneBatch(loader, replace(batch, labelled=told))
        (checked,) = BatchReader(given, adapters, "training").batches()
        assert set(checked.labelled) == {"pair", "pair/one_loss", "pair/two_loss"}
        assert all(has.tolist() == expected for has in checked.labelled.values())


class OneBatch:
    """An iterator of one batch."""

    def __init__(self, loader, batch):
        self.provide_data, self.provide_label = loader.provide_data, loader.provide_label
        self.batch = batch

    def reset(self):
        pass

    def __iter__(self):
        return iter([self.batch])


def test_resume_in_the_middle_of_an_epoch_knows_the_counts_of_terms(tmp_path):
    has = [BOTH, ONE, TWO, ONE, ONE, TWO]
    straight, expected, _ = trained(has, batch_size=2, updates=6)
    trained(has, batch_size=2, updates=4, checkpoint=tmp_path)
    resumed, history, _ = trained(has, batch_size=2, updates=6, checkpoint=tmp_path, resume="auto")
    for key, value in straight.items():
        np.testing.assert_array_equal(resumed[key], value)
    assert history.epochs[-1]["train"] == expected.epochs[-1]["train"]


def test_terms_that_are_not_those_of_train_are_refused():
    head = Pair()
    head.terms = {"one_loss": Term(ONE)}
    with pytest.raises(BindError, match=r"(?s)other terms than it declares.*\['one_loss'\]"):
        df.Network(Plain(), [head])
