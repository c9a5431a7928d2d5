"""Predictions come sample by sample, in original coordinates, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.datasets import Shapes
from densefit.errors import BindError, DataError


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


class Brittle(Shapes):
    """One of the samples cannot be read."""

    def __getitem__(self, index):
        if index == 1:
            raise OSError("broken")
        return super().__getitem__(index)


def test_no_sample_is_left_out_or_repeated_without_a_word(network, caplog):
    pictures = Shapes(5, size=(64, 48), split="val")
    fit_in = df.transform("resize", height=32, width=32)
    short = df.Loader(pictures, batch_size=2, transform=fit_in, last="drop")
    mixed = df.Mixture({"a": pictures, "b": pictures}, ratio={"a": 3, "b": 1})
    for data in (short, df.Loader(mixed, batch_size=2, transform=fit_in)):
        with pytest.raises(DataError, match="do not give every sample exactly once"):
            df.predict(network, data)
    broken = Brittle(5, size=(64, 48), split="val")
    skipping = {"batch_size": 2, "transform": fit_in, "on_error": "skip", "skip_limit": 1.0}
    found = dict(df.predict(network, df.Loader(broken, **skipping)))
    assert list(found) == [broken.id_of(index) for index in (0, 2, 3, 4)]
    assert f"sample '{broken.id_of(1)}' is skipped" in caplog.text
    with pytest.raises(DataError, match="do not give every sample exactly once"):
        df.predict(network, df.Loader(broken, last="drop", **skipping))


def test_a_plain_iterator_is_refused(network):
    plain = mx.io.NDArrayIter(np.zeros((2, 3, 32, 32), np.float32), batch_size=2)
    with pytest.raises(DataError, match="Loader"):
        next(df.predict(network, plain))


def test_a_symbol_s_outputs_come_as_they_are_without_labels_that_nothing_reads():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    label = mx.sym.Variable("label")
    loss = mx.sym.MakeLoss(mx.sym.sum(mx.sym.square(x - label), axis=1), name="loss")
    total = mx.sym.MakeLoss(mx.sym.mean(x), name="total", grad_scale=0)
    symbol = mx.sym.Group([mx.sym.SoftmaxOutput(x, name="softmax"), loss, total])
    weight, bias = np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32)
    parameters = {"fc_weight": weight, "fc_bias": bias}
    data = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    found = df.predict(symbol, mx.io.NDArrayIter(data, batch_size=4), arg_params=parameters)
    logits = data[:, :2]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert sorted(found) == ["softmax_output", "total_output"]
    np.testing.assert_allclose(found["softmax_output"], expected, rtol=1e-5)
    means = [logits[:4].mean(), logits[4:].mean()]
    np.testing.assert_allclose(found["total_output"], means, rtol=1e-5)
    labelled = mx.io.NDArrayIter(data, {"label": np.ones((7, 2), np.float32)}, 4)
    found = df.predict(symbol, labelled, arg_params=parameters)
    np.testing.assert_allclose(found["loss_output"], ((logits - 1) ** 2).sum(axis=1), rtol=1e-5)
    with pytest.raises(BindError, match="(?s)suffice for none.*'softmax': .*'fc_bias'"):
        df.predict(symbol, mx.io.NDArrayIter(data, batch_size=4))
