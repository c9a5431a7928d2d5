"""Cosines between the gradients of heads, whose directions are known."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.model.backbones import Backbone
from densefit.symbol import sym
from tests.rows import iterator_of_arrays


class Identity(Backbone):
    """One weight for each colour."""

    name = "identity"

    def maps(self, x, output_stride):
        mean = sym.Pooling(x, kernel=(32, 32), pool_type="avg")
        return {32: (sym.FullyConnected(mean, num_hidden=1, no_bias=True, name="trunk"), 1)}


class Pull(df.Head):
    """Its loss is the trunk's output times `sign` times its target."""

    targets = ("pull",)

    def __init__(self, name, sign):
        self.name, self.sign = name, sign
        self.targets = (f"{name}_pull",)

    def labels(self, input_size):
        return [df.Label("pull", ())]

    def encode(self, sample):
        return {"pull": np.float32(sample.targets[f"{self.name}_pull"]) * np.ones((), np.float32)}

    def train(self, features, labels):
        x = sym.reshape(features.maps[32], shape=(-1,))
        x = sym.broadcast_mul(x, sym.Variable(f"{self.name}_scale", shape=(1,)))
        return {"loss": self.sign * x * labels["pull"]}

    def evaluate(self, features):
        x = sym.reshape(features.maps[32], shape=(-1,))
        return {"out": sym.broadcast_mul(x, sym.Variable(f"{self.name}_scale", shape=(1,)))}

    def decode(self, outputs, geometries):
        return list(outputs["out"])

    def ground_truth(self, targets):
        return None

    def metrics(self):
        return []


class Colours:
    classes = ()

    def __init__(self, lacking=()):
        self.lacking = lacking

    def __len__(self):
        return 6

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        image = np.zeros((32, 32, 3), np.uint8)
        image[..., index % 3] = 200
        targets = {f"{name}_pull": np.array(1.0) for name in "abc"}
        for name in self.lacking:
            del targets[f"{name}_pull"]
        targets["c_pull"] = np.array(float(index % 3 == 0))  # one colour alone
        return Sample(str(index), image, targets)


@pytest.fixture
def network():
    made = df.Network(Identity(), [Pull("a", 1.0), Pull("b", -1.0), Pull("c", 1.0)])
    values = {"trunk_weight": np.full((1, 3), 0.1, np.float32)}
    values.update({f"{name}_scale": np.ones(1, np.float32) for name in "abc"})
    made.set_params(values)
    return made


def test_the_cosines_are_those_of_the_directions(network, tiny):
    before = tiny.values(network)
    loader = df.Loader(Colours(), batch_size=6, heads=network.heads)
    found = df.surgery.conflict(network, loader)
    assert found["a~b"] == pytest.approx(-1.0)
    assert found["a~c"] == pytest.approx(-found["b~c"])
    assert -1 < found["a~c"] < 1
    assert found["norm/a"] == pytest.approx(found["norm/b"])
    for name, value in tiny.values(network).items():
        np.testing.assert_array_equal(value, before[name])


def test_heads_without_common_labels_have_no_cosine(network):
    loader = df.Loader(Colours(), batch_size=3, heads=network.heads)
    loader.dataset.lacking = ("b",)
    found = df.surgery.conflict(network, loader, batches=1)
    assert np.isnan(found["a~b"])
    assert np.isnan(found["norm/b"])
    assert np.isfinite(found["a~c"])


def test_one_head_has_no_conflict(tiny):
    network = tiny.network()
    with pytest.raises(ConfigError, match="between two heads"):
        df.surgery.conflict(network, tiny.loader(network))
    routed = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    with pytest.raises(ConfigError, match="heads of a Network of ours"):
        df.surgery.conflict(routed, tiny.iterator())


@pytest.mark.parametrize("batches", [0, -1])
def test_no_batches_are_an_error_of_ours(network, batches):
    loader = df.Loader(Colours(), batch_size=3, heads=network.heads)
    with pytest.raises(ConfigError, match=f"(?s)at least 1.*batches={batches}"):
        df.surgery.conflict(network, loader, batches=batches)


@pytest.mark.parametrize("batches", [1, 2, 9])
def test_the_data_are_left_at_the_start_of_their_epoch(network, batches):
    loader = df.Loader(Colours(), batch_size=3, heads=network.heads, shuffle=True)
    for epoch in (0, 2):
        loader.set_epoch(epoch)
        expected = [batch.ids for batch in loader]
        loader.set_epoch(epoch)
        df.surgery.conflict(network, loader, batches=batches)
        assert loader.epoch == epoch
        assert [batch.ids for batch in loader] == expected
    assert [batch.ids for batch in loader] != expected  # the epoch behind it


def test_an_iterator_of_another_kind_is_reset(network):
    loader = df.Loader(Colours(), batch_size=3, heads=network.heads)
    batches = list(loader)
    arrays = {desc.name: [] for desc in (*loader.provide_data, *loader.provide_label)}
    for batch in batches:
        for name, array in batch.arrays.items():
            arrays[name].append(array)
    whole = {name: np.concatenate(own) for name, own in arrays.items()}
    data = {"data": whole.pop("data")}
    plain = iterator_of_arrays(data, whole, batch_size=3)
    found = df.surgery.conflict(network, plain, batches=1)
    assert found == pytest.approx(df.surgery.conflict(network, loader, batches=1))
    assert len(list(plain)) == 2
