"""Predictions come sample by sample, in original coordinates, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def network():
    shapes = df.dataset("shapes", length=4, size=(64, 48))
    network = df.Network(
        "resnet18",
        [df.head("segmentation", classes=shapes.mask_classes, channels=8)],
        settings={"width": 8},
    )
    fit_in = df.transform("resize", height=32, width=32)
    train = df.Loader(shapes, batch_size=4, transform=fit_in, heads=network.heads)
    return df.fit(network, train, updates=2).network


def loader(batch_size):
    shapes = df.dataset("shapes", length=5, size=(64, 48), split="val")
    return df.Loader(
        shapes, batch_size=batch_size, transform=df.transform("resize", height=32, width=32)
    )


def test_every_sample_once_in_order_and_at_its_own_size(network):
    found = list(df.predict(network, loader(2)))
    assert [key for key, _ in found] == [loader(1).dataset.id_of(index) for index in range(5)]
    assert all(mask["segmentation"].shape == (64, 48) for _, mask in found)


def test_batches_change_nothing(network):
    alone = dict(df.predict(network, loader(1)))
    for key, together in df.predict(network, loader(3)):
        np.testing.assert_array_equal(alone[key]["segmentation"], together["segmentation"])


def test_a_plain_iterator_is_refused(network):
    plain = mx.io.NDArrayIter(np.zeros((2, 3, 32, 32), np.float32), batch_size=2)
    with pytest.raises(DataError, match="Loader"):
        next(df.predict(network, plain))


def test_a_symbols_network_is_refused():
    symbol = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(num_hidden=2), name="softmax")
    bare = df.Network(symbol=symbol, routes={"a": df.Route(outputs=["softmax"])})
    with pytest.raises(ConfigError, match="heads"):
        next(df.predict(bare, None))
