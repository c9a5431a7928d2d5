"""Samples that carry labels for some of the heads only."""

import itertools

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.errors import DataError
from densefit.model.backbones import Backbone
from densefit.symbol import sym


class Plain(Backbone):
    """Without BatchNorm, through which samples would know of each other."""

    name = "plain"

    def maps(self, x, output_stride):
        x = sym.Convolution(x, kernel=(3, 3), stride=(4, 4), num_filter=4, name="plain_conv")
        x = sym.Activation(x, act_type="tanh")
        return {32: (sym.Pooling(x, kernel=(8, 8), stride=(8, 8), pool_type="avg"), 4)}


class Partial:
    """Pictures whose sample i has the targets `has[i]`."""

    classes = ()

    def __init__(self, has, pictures):
        self.has, self.pictures = has, pictures

    def __len__(self):
        return len(self.has)

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        sample = self.pictures[index]
        value = sample.targets["value"]
        return Sample(sample.id, sample.image, {name: value for name in self.has[index]})


@pytest.fixture
def make(tiny):
    def head(name, broken=False):
        class Own(tiny.Brightness):
            targets = (name,)

            def encode(self, sample):
                return {"value": np.array(sample.targets[name], np.float32)}

            def train(self, features, labels):
                found = super().train(features, labels)
                # Without a label this is 1 / 0.
                return {"loss": found["loss"] / labels["value"]} if broken else found

        return Own(name)

    def fit(has, names=("one", "two"), batch_size=4, broken=False, rare=None, **settings):
        network = df.Network(Plain(), [head(name, broken) for name in sorted(names)])
        first = {
            "plain_conv_weight": np.linspace(-0.1, 0.1, 4 * 27).reshape(4, 3, 3, 3),
            "plain_conv_bias": np.zeros(4),
        }
        for name in names:
            first[f"{name}_fc_weight"] = np.full((1, 4), 0.3 + (name == "two"))
            first[f"{name}_fc_bias"] = np.zeros(1)
        network.set_params({key: value.astype(np.float32) for key, value in first.items()})
        if names != tuple(sorted(names)):
            parameters = (dict(network.parameters), dict(network.statistics))
            network = df.Network(Plain(), [head(name, broken) for name in names])
            network.set_params(*parameters)
        data = Partial(has, tiny.Pictures(len(has)))
        if rare is not None:  # in three epochs of 3 samples, each of 6 and 1 has come
            other = Partial(rare, tiny.Pictures(1))
            data = df.Mixture({"many": data, "rare": other}, length=3)
        loader = df.Loader(data, batch_size=batch_size, heads=network.heads, workers=0)
        settings = {"schedule": df.Constant(0.1), "epochs": 1, **settings}
        history = df.fit(network, loader, **settings)
        return network, history

    return fit


BOTH, ONE, TWO, NONE = ("one", "two"), ("one",), ("two",), ()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 2, "accumulate": 2},
        pytest.param({"devices": ["cpu:0", "cpu:1"]}, marks=pytest.mark.mxnet),
    ],
    ids=["whole", "accumulated", "two devices"],
)
@pytest.mark.parametrize("broken", [False, True], ids=["sound", "1/0"])
def test_the_gradient_of_a_head_is_that_of_its_labelled_samples_alone(tiny, make, settings, broken):
    mixed, history = make([BOTH, TWO, ONE, TWO], broken=broken, **settings)
    assert history.epochs[0]["train"]["one/labelled"] == 2
    assert history.epochs[0]["train"]["two/labelled"] == 3
    values = tiny.values(mixed)
    assert all(np.isfinite(value).all() for value in values.values())
    for name, has in (("one", [ONE, NONE, ONE, NONE]), ("two", [TWO, TWO, NONE, TWO])):
        rows = [row for row, own in enumerate(has) if own]
        alone = tiny.values(_with_pictures(tiny, make, rows, name, broken))
        for key in (f"{name}_fc_weight", f"{name}_fc_bias"):
            np.testing.assert_allclose(values[key], alone[key], rtol=2e-5, atol=1e-7)


def _with_pictures(tiny, make, rows, name, broken):
    plain = tiny.Pictures

    class Chosen(plain):
        def __getitem__(self, index):
            sample = plain.__getitem__(self, rows[index])
            return Sample(f"p{index}", sample.image, sample.targets)

    tiny.Pictures = Chosen
    try:
        return make([(name,)] * len(rows), (name,), broken=broken, batch_size=len(rows))[0]
    finally:
        tiny.Pictures = plain


def test_a_head_without_labels_in_a_batch_is_left_as_it_was(tiny, make):
    """Not by one bit: its gradient is exactly zero. And it is shown as having none."""
    seen = tiny.Recorder("update_ended", lambda state, control: state.train())
    network, _ = make([BOTH, BOTH, ONE, ONE], batch_size=2, callbacks=[seen])
    after_one, _ = make([BOTH, BOTH], batch_size=2)
    one, two = tiny.values(after_one), tiny.values(network)
    np.testing.assert_array_equal(one["two_fc_weight"], two["two_fc_weight"])
    assert (one["one_fc_weight"] != two["one_fc_weight"]).all()
    assert "two/labelled" not in seen.seen[0]  # all were
    assert seen.seen[1]["two/labelled"] == 2
    _, history = make([BOTH, ONE], batch_size=1, epochs=2)
    assert history.epochs[1]["train"]["two/labelled"] == 1


def test_the_order_of_heads_changes_nothing(tiny, make):
    has = [BOTH, TWO, ONE, NONE, TWO, BOTH]
    for settings in ({}, {"batch_size": 2, "accumulate": 2}):
        found = [
            make(has, names, epochs=2, **settings) for names in (("one", "two"), ("two", "one"))
        ]
        tiny.assert_equal(found[0][0], found[1][0], exactly=False)
        numbers = [history.epochs[-1]["train"] for _, history in found]
        assert numbers[0] == pytest.approx(numbers[1])


def test_a_batch_without_any_label_moves_nothing(tiny, make):
    whole, _ = make([BOTH, BOTH, NONE, NONE], batch_size=2)
    half, _ = make([BOTH, BOTH], batch_size=2)
    tiny.assert_equal(whole, half)


def test_one_head_and_micro_batches_of_different_counts(tiny, make):
    """The mean is over the labelled samples of the update, not over those of each micro-batch."""
    has = [ONE, NONE, ONE, ONE]
    parts, _ = make(has, ("one",), batch_size=2, accumulate=2)
    whole, _ = make(has, ("one",), batch_size=4)
    tiny.assert_equal(parts, whole, exactly=False)


def test_resume_knows_what_was_labelled(tiny, make, tmp_path):
    has = [BOTH, TWO, ONE, TWO, ONE, TWO]
    straight, expected = make(has, batch_size=2, epochs=2)
    make(has, batch_size=2, epochs=None, updates=4, checkpoint=tmp_path)
    resumed, history = make(has, batch_size=2, epochs=2, checkpoint=tmp_path, resume="auto")
    tiny.assert_equal(straight, resumed)
    assert history.epochs[-1]["train"] == expected.epochs[-1]["train"]


def test_a_head_that_never_sees_a_label_is_an_error(make, monkeypatch):
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: {})
    with pytest.raises(
        DataError, match="'two' has not seen one labelled sample(?s:.*)in 2 updates"
    ):
        make([ONE] * 8, batch_size=2, label_within=2)
    with pytest.raises(DataError, match="(?s)'two' has not seen.*in 4 updates"):
        make([ONE] * 8, batch_size=2)  # the end of the first epoch
    make([ONE, ONE, ONE, TWO], batch_size=1, label_within=4)


def test_a_head_is_waited_for_until_every_sample_has_come(make, caplog, monkeypatch):
    """A dataset with less than a sample an epoch is no reason to end the training."""
    _, history = make([ONE] * 6, rare=[TWO], batch_size=3, epochs=3)
    counts = [record["train"].get("two/labelled") for record in history.epochs]
    assert (counts[0], sum(counts)) == (0, 1)
    assert "Epoch 1 of the train data had no labelled sample: The head 'two'" in caplog.text
    assert "has not seen one" not in caplog.text
    make([ONE] * 6, rare=[TWO], batch_size=3, epochs=1)
    assert "'two' has not seen one labelled sample in the 1 updates of this training" in caplog.text
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: {})
    with pytest.raises(DataError, match="(?s)'two' has not seen.*in 3 updates.*share of a mixture"):
        make([ONE] * 6, rare=[ONE], batch_size=3, epochs=9)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_short_training_that_leaves_a_head_untrained_tells_it(tiny, make, caplog, stopped):
    """It ends before `label_within` and in the midst of its first epoch: that is no error."""
    stop = tiny.Recorder("update_ended", lambda state, control: control.stop("enough"))
    settings = {"callbacks": [stop]} if stopped else {"epochs": None, "updates": 1}
    _, history = make([ONE] * 2 + [TWO] * 2, batch_size=2, **settings)
    assert np.isnan(history.epochs[0]["train"]["two/loss"])
    assert "'two' has not seen one labelled sample in the 1 updates" in caplog.text
    assert "'one'" not in caplog.text
    caplog.clear()
    make([ONE] * 2 + [TWO] * 2, batch_size=2, epochs=None, updates=2)
    assert "not seen" not in caplog.text


def test_an_epoch_without_a_label_for_a_head_is_told_once(tiny, make, caplog):
    """Its numbers are nan there, though it was trained before."""

    class Some(Partial):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            self.read = getattr(self, "read", 0) + 1
            if self.read > 8:  # those that the loader looks at, and the first epoch's
                del sample.targets["two"]
            return sample

    monkey = pytest.MonkeyPatch()
    with monkey.context() as changed:
        changed.setitem(make.__globals__, "Partial", Some)
        _, history = make([BOTH] * 4, batch_size=2, epochs=4)
    assert np.isnan(history.epochs[-1]["train"]["two/loss"])
    assert caplog.text.count("no labelled sample: The head 'two' was not trained there") == 1
    assert "'one'" not in caplog.text


def test_scores_are_of_the_labelled_samples(tiny, make):
    network, _ = make([BOTH, TWO, ONE, TWO])
    for head in network.heads:
        head.ground_truth = lambda targets, name=head.name: targets.get(name)
    has = [BOTH, TWO, ONE, TWO, NONE]
    found = []
    for batch_size in (1, 2, 5):
        data = Partial(has, tiny.Pictures(len(has)))
        found.append(df.score(network, df.Loader(data, batch_size=batch_size, workers=0)))
    for one, other in itertools.pairwise(found) if hasattr(itertools, "pairwise") else ():
        assert one == pytest.approx(other)
    own = df.Loader(Partial([ONE] * 3, tiny.Pictures(3)), batch_size=3, workers=0)
    with pytest.raises(DataError, match="No sample is labelled for the heads \\['two'\\]"):
        df.score(network, own)
