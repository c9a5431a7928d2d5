"""What is not finite is told before it is taken for a score."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.engine.finite import OutputCheck
from densefit.errors import ConfigError, DataError, TrainingDiverged
from densefit.metrics import MAE
from densefit.symbol import sym


def data(length=6):
    return df.dataset("shapes", length=length, size=(48, 64), seed=2, split="val")


@pytest.fixture(scope="module")
def network():
    found = df.dataset("shapes", length=8, size=(48, 64), seed=1)
    heads = [
        df.head("segmentation", classes=found.mask_classes, decoder="fcn", channels=8),
        df.head("detection", classes=found.classes, channels=8, strides=(8, 16), sizes=(3.0,)),
    ]
    made = df.Network("resnet18", heads, settings={"width": 8})
    loader = df.Loader(found, batch_size=8, heads=made.heads, workers=0)
    df.fit(made, loader, epochs=1, schedule=df.Constant(0.001))
    return made


def weights(network, part):
    return [name for name in network.parameters if part in name and name.endswith("weight")]


def with_nan(network, part):
    arguments, auxiliary = dict(network.parameters), network.statistics
    for name in weights(network, part):
        arguments[name] = arguments[name].copy()
        arguments[name][:] = np.nan
    made = df.Network.from_spec(network.spec)
    made.set_params(arguments, auxiliary)
    return made


def loaders():
    return [
        df.Loader(data(), batch_size=4, workers=0),
        df.Loader.views(data(), input_size=(48, 64), batch_size=4, workers=0),
        df.Loader.original_size(data(), batch_size=4, workers=0),
    ]


@pytest.mark.parametrize("which", range(3))
def test_a_network_of_nan_is_not_scored(network, which):
    broken, name = with_nan(network, "conv"), weights(network, "conv")[0]
    with pytest.raises(TrainingDiverged, match=rf"not finite(.|\n)*{name}"):
        df.score(broken, loaders()[which])
    with pytest.raises(TrainingDiverged, match=name):
        df.score(broken, {"some": loaders()[which]})
    with pytest.raises(TrainingDiverged, match=name):
        df.predict(broken, loaders()[which])


def test_it_is_scored_if_that_is_wanted(network, caplog):
    broken = with_nan(network, "class")
    with caplog.at_level(logging.WARNING, "densefit"):
        scores = df.score(broken, loaders()[0], nonfinite="warn")
    assert scores["detection/AP"] == 0.0
    assert weights(network, "class")[0] in caplog.text


def test_only_two_policies(network):
    with pytest.raises(ConfigError, match="nonfinite"):
        df.score(network, loaders()[0], nonfinite="skip")


class Overflowing(df.Head):
    """The mean of a picture; nan for pictures that are white."""

    name, output_stride, targets = "white", 32, ()

    def labels(self, input_size):
        return [df.Label("value", ())]

    def _value(self, features):
        return sym.mean(features.maps[max(features.maps)], axis=(1, 2, 3))

    def train(self, features, labels):
        return {"loss": self._value(features) * labels["value"]}

    def evaluate(self, features):
        x = self._value(features)
        return {"value": sym.where(x > 0.5, sym.log(0.0 * x - 1.0), x)}

    def encode(self, sample):
        return {"value": np.zeros((), np.float32)}

    def decode(self, outputs, geometries):
        return list(outputs["value"])

    def ground_truth(self, targets):
        return targets["value"]

    def metrics(self):
        return [MAE()]


class OneWhite:
    """Four pictures, of which "p2" is white."""

    def __len__(self):
        return 4

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        image = np.full((32, 32, 3), 255 if index == 2 else 3, np.uint8)
        return Sample(self.id_of(index), image, {"value": np.array(0.5)})


@pytest.fixture
def overflowing(tiny):
    class Plain(tiny.Backbone):
        def maps(self, x, output_stride):
            factor = sym.Variable("factor", shape=(1,))
            pooled = sym.Pooling(x, kernel=(32, 32), stride=(32, 32), pool_type="avg")
            return {32: (sym.broadcast_mul(pooled, factor.reshape((1, 1, 1, 1))), 3)}

    made = df.Network(Plain(), [Overflowing()])
    made.set_params({"factor": np.ones(1, np.float32)})
    return made


def test_the_error_names_head_and_sample(overflowing):
    with pytest.raises(DataError, match="head 'white'") as caught:
        df.score(overflowing, df.Loader(OneWhite(), batch_size=3, workers=0))
    assert "samples p2" in str(caught.value)
    assert "1 of the 3 samples" in str(caught.value)
    loader = df.Loader.views(OneWhite(), input_size=(32, 32), batch_size=3, workers=0)
    with pytest.raises(DataError, match="samples p2"):
        df.score(overflowing, loader)


def test_a_validation_and_a_prediction_tell_and_go_on(overflowing, caplog):
    with caplog.at_level(logging.WARNING, "densefit"):
        found = dict(df.predict(overflowing, df.Loader(OneWhite(), batch_size=3, workers=0)))
    assert sorted(found) == ["p0", "p1", "p2", "p3"]
    assert np.isnan(found["p2"]["white"])
    assert "for 1 of 4 samples" in caplog.text
    assert "prediction data, samples p2" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, "densefit"):
        df.fit(
            overflowing,
            df.Loader(OneWhite(), batch_size=2, heads=overflowing.heads, workers=0),
            validation=df.Loader(OneWhite(), batch_size=3, workers=0),
            epochs=1,
        )
    assert "validation data, samples p2" in caplog.text


class OneOutput:
    """A head with one output."""

    name = "a"

    def outputs(self, mode):
        return ["a_value"]


def look(array, ids=("x", "y"), policy="raise"):
    OutputCheck([OneOutput()], "raw", "scoring", policy).look(ids, {"a_value": np.asarray(array)})


def test_what_counts_as_not_finite():
    look([[0.0, 1.0], [2.0, 3.0]])
    look([[-np.inf, 0.0], [0.0, -np.inf]])  # a mask's, or log 0
    look([1, 2])
    look(np.full((2, 3), 3e38, np.float32))  # whose sum overflows
    look(np.full((2, 70000), 1, np.float16))
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match="samples y$|samples y\n"):
            look([[0.0, 1.0], [2.0, bad]])
    with pytest.raises(DataError, match="samples x, y"):
        look([np.nan])  # one number for the batch
