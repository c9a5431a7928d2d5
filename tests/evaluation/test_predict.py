"""Predictions come sample by sample, in original coordinates, whatever the batches."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import BindError, ConfigError, DataError
from densefit.symbol import sym
from tests.rows import iterator_of_arrays


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
    plain = iterator_of_arrays(np.zeros((2, 3, 32, 32), np.float32), batch_size=2)
    with pytest.raises(DataError, match="Loader"):
        next(df.predict(network, plain))


def test_a_symbol_s_outputs_come_as_they_are_without_labels_that_nothing_reads():
    x = sym.FullyConnected(sym.Variable("data"), num_hidden=2, name="fc")
    label = sym.Variable("label")
    loss = sym.MakeLoss(sym.sum(sym.square(x - label), axis=1), name="loss")
    total = sym.MakeLoss(sym.mean(x), name="total", grad_scale=0)
    symbol = sym.Group([sym.SoftmaxOutput(x, name="softmax"), loss, total])
    weight, bias = np.eye(2, 3, dtype=np.float32), np.zeros(2, np.float32)
    parameters = {"fc_weight": weight, "fc_bias": bias}
    data = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    found = df.predict(symbol, iterator_of_arrays(data, batch_size=4), arg_params=parameters)
    logits = data[:, :2]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert sorted(found) == ["softmax_output", "total_output"]
    np.testing.assert_allclose(found["softmax_output"], expected, rtol=1e-5)
    means = [logits[:4].mean(), logits[4:].mean()]
    np.testing.assert_allclose(found["total_output"], means, rtol=1e-5)
    labelled = iterator_of_arrays(data, {"label": np.ones((7, 2), np.float32)}, 4)
    found = df.predict(symbol, labelled, arg_params=parameters)
    np.testing.assert_allclose(found["loss_output"], ((logits - 1) ** 2).sum(axis=1), rtol=1e-5)
    with pytest.raises(BindError, match="(?s)No output can be computed.*'softmax': .*'fc_bias'"):
        df.predict(symbol, iterator_of_arrays(data, batch_size=4))


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    images = {f"{name}.png": rng.integers(0, 255, (40, 56, 3), np.uint8) for name in "ab"}
    for name, image in images.items():
        cv2.imwrite(str(tmp_path / name), image[..., ::-1])
    return tmp_path, images


def test_one_image_gives_one_prediction(network, photos):
    folder, images = photos
    of_file = df.predict(network, folder / "a.png")
    assert of_file["segmentation"].shape == (40, 56)
    of_array = df.predict(network, images["a.png"])
    np.testing.assert_array_equal(of_file["segmentation"], of_array["segmentation"])
    of_text = df.predict(network, str(folder / "a.png"))
    np.testing.assert_array_equal(of_file["segmentation"], of_text["segmentation"])


def test_folders_and_lists_give_ids(network, photos):
    folder, images = photos
    single = {name: df.predict(network, image)["segmentation"] for name, image in images.items()}
    paths = [folder / name for name in images]
    given = {
        ("a.png", "b.png"): folder,
        ("0", "1"): list(images.values()),
        tuple(map(str, paths)): paths,
    }
    for ids, data in given.items():
        predictions = dict(df.predict(network, data, batch_size=2))
        assert tuple(predictions) == ids
        for mask, expected in zip(predictions.values(), single.values()):
            np.testing.assert_array_equal(mask["segmentation"], expected)
    stacked = dict(df.predict(network, np.stack([*images.values()])))
    assert tuple(stacked) == ("0", "1")


def test_a_transform_makes_the_input(network, photos):
    folder, _ = photos
    fit_in = df.transform("resize", height=32, width=32)
    mask = df.predict(network, folder / "a.png", transform=fit_in)["segmentation"]
    assert mask.shape == (40, 56)
    dataset = df.dataset("image_files", paths=[folder / "a.png"])
    ((_, expected),) = df.predict(network, df.Loader(dataset, batch_size=1, transform=fit_in))
    np.testing.assert_array_equal(mask, expected["segmentation"])


def test_what_is_no_image(network, photos):
    folder, _ = photos
    with pytest.raises(DataError, match="no such file"):
        df.predict(network, folder / "c.png")
    with pytest.raises(DataError, match="This is no image"):
        df.predict(network, np.zeros((4, 4)))
    with pytest.raises(DataError, match="all arrays or all files"):
        df.predict(network, [folder / "a.png", np.zeros((4, 4, 3), np.uint8)])
    with pytest.raises(ConfigError, match="A transform is for images"):
        df.predict(network, loader(2), transform=df.transform("resize", height=8, width=8))


def test_an_array_for_a_symbol(tiny):
    network = df.fit(tiny.kind(), tiny.iterator(labels=["kind_label"]), updates=1).network
    x, _, _ = tiny.arrays(10)
    expected = df.predict(network, iterator_of_arrays(x, batch_size=5))["kind_output"]
    found = df.predict(network, x, batch_size=5)["kind_output"]
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ConfigError, match="without heads"):
        df.predict(network, "photo.jpg")
