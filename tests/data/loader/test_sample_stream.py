"""Labels of the first sample that trains a head stand in, where a look showed none."""

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.errors import TrainingDiverged
from densefit.model.backbones import Backbone
from densefit.model.heads.head import Head, Label
from densefit.symbol import sym


class Rooted(Head):
    """A number of a picture, with a loss that has no derivative where the label is 0."""

    def __init__(self, name, target):
        self.name, self.targets, self.target = name, (target,), target

    def labels(self, input_size):
        return [Label("value", ())]

    def encode(self, sample):
        return {"value": np.float32(sample.targets[self.target])}

    def _value(self, features):
        flat = sym.flatten(features.maps[32])
        value = sym.FullyConnected(flat, num_hidden=1, name=f"{self.name}_value")
        return sym.reshape(value, shape=(-1,))

    def train(self, features, labels):
        value = self._value(features) * labels["value"]
        return {"loss": sym.sqrt(sym.abs(value))}

    def evaluate(self, features):
        return {"value": self._value(features)}

    def decode(self, outputs, geometries):
        return list(outputs["value"])

    def ground_truth(self, targets):
        return None

    def metrics(self):
        return []


class Plain(Backbone):
    name = "plain"

    def maps(self, x, output_stride):
        x = sym.Convolution(x, kernel=(3, 3), stride=(32, 32), num_filter=2, name="plain_conv")
        return {32: (x, 2)}


class Rare:
    """400 pictures with a number, of which those `at` some places have a rare one too."""

    classes = ()

    def __init__(self, *at):
        self.at = at

    def __len__(self):
        return 400

    def __getitem__(self, index):
        image = np.random.default_rng(index).integers(0, 256, (32, 32, 3)).astype(np.uint8)
        targets = {"often": np.array(1.0 + index)}
        if index in self.at:
            targets["rare"] = np.array(2.0 + index)
        return Sample(str(index), image, targets)


def heads():
    return [Rooted("common", "often"), Rooted("own", "rare")]


@pytest.mark.parametrize("settings", [{"workers": 0}, {"workers": 2}])
def test_the_first_labels_stand_in_from_their_batch_on(settings):
    with Loader(Rare(3, 5, 9), batch_size=4, heads=heads(), **settings) as loader:
        batches = [next(loader) for _ in range(3)]
        found = [list(batch.labels.values())[1].tolist() for batch in batches]
        assert found == [[5, 5, 5, 5], [5, 7, 5, 5], [5, 11, 5, 5]]
        has = [np.flatnonzero(batch.labelled["own"]).tolist() for batch in batches]
        assert has == [[3], [1], [1]]
        loader.reset()
        assert list(next(loader).labels.values())[1].tolist() == [5, 5, 5, 5]


def test_samples_without_labels_send_no_nan_into_the_trunk():
    """Half a batch lacks what a head learns by a loss without a derivative at 0."""

    def trained(dataset, own, updates=1):
        network = df.Network(Plain(), own)
        shapes = {"plain_conv_weight": (2, 3, 3, 3), "plain_conv_bias": (2,)}
        for head in own:
            shapes.update({f"{head.name}_value_weight": (1, 2), f"{head.name}_value_bias": (1,)})
        rng = np.random.default_rng(0)
        start = {key: rng.uniform(0.05, 0.1, shape) for key, shape in shapes.items()}
        network.set_params({key: value.astype(np.float32) for key, value in start.items()})
        loader = Loader(dataset, batch_size=4, heads=own, workers=0)
        df.fit(network, loader, updates=updates, schedule=df.Constant(1e-4))
        return dict(network.parameters)

    found = trained(Rare(3), heads(), updates=2)
    assert all(np.isfinite(value).all() for value in found.values())
    with pytest.raises(TrainingDiverged, match="targets_of"):
        trained(Rare(7), heads())  # nothing can stand in for the first batch
