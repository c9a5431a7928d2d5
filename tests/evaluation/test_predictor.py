"""Predictions of one kept engine: equal to those of df.predict, from any thread."""

import copy
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.data.loader.views import Views
from densefit.errors import ConfigError, DataError
from densefit.evaluation.image_fit import OwnSize, Transformed, Viewed
from densefit.evaluation.predictor import Predictor

FIT = df.transform("letterbox", height=64, width=64)


@pytest.fixture(scope="module")
def shapes():
    return df.dataset("shapes", length=6, size=(64, 80))


@pytest.fixture(scope="module")
def network(shapes):
    heads = [
        df.head("detection", classes=shapes.classes, strides=[8, 16], channels=16),
        df.head("segmentation", classes=shapes.mask_classes, channels=8),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})
    train = df.Loader(shapes, batch_size=3, transform=FIT, heads=network.heads)
    return df.fit(network, train, updates=2).network


@pytest.fixture(scope="module")
def images(shapes):
    return [shapes[index].image for index in range(6)]


def assert_equal(first, second):
    np.testing.assert_array_equal(first["segmentation"], second["segmentation"])
    for name in ("boxes", "scores", "classes"):
        np.testing.assert_array_equal(first["detection"][name], second["detection"][name])


def test_predictions_are_those_of_a_loader(network, shapes, images):
    loader = df.Loader(shapes, batch_size=3, transform=FIT)
    expected = [prediction for _, prediction in df.predict(network, loader)]
    for a, b in zip(expected, Predictor(network, Transformed(FIT), batch_size=3)(images)):
        assert_equal(a, b)


def test_images_of_different_sizes_keep_their_order(network, images):
    mixed = [images[0], images[1][:40, :50], images[2], images[3][:40, :50]]
    together = Predictor(network, OwnSize(32), batch_size=2)(mixed)
    for image, prediction in zip(mixed, together):
        assert prediction["segmentation"].shape == image.shape[:2]
        alone = Predictor(network, OwnSize(32), batch_size=1)([image])[0]
        np.testing.assert_array_equal(alone["segmentation"], prediction["segmentation"])


def test_views_are_those_of_a_loader(network, shapes, images):
    views = Views(flip=True, fit="original", overlap=0.2)
    loader = df.Loader.views(shapes, input_size=(32, 32), batch_size=4, views=views)
    expected = [prediction for _, prediction in df.predict(network, loader)]
    for a, b in zip(expected, Predictor(network, Viewed(views, (32, 32)), batch_size=4)(images)):
        assert_equal(a, b)


def test_the_whole_image_is_a_further_view(images):
    windows = Views(fit="original", overlap=0.2)
    alone, more = (Viewed(windows, (32, 32), whole=whole)(images[0]) for whole in (False, True))
    assert len(more.rows) == len(alone.rows) + 1
    assert more.geometries[-1].scaled[1] == 32  # 80 pixels fitted into 32
    assert len(Viewed(windows, (80, 80), whole=True)(images[0]).rows) == 1


def test_threads_share_a_network(network, images, tmp_path):
    expected = [network.predict(image, transform=FIT) for image in images]
    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(lambda image: network.predict(image, transform=FIT), images * 3))
        own = list(pool.map(lambda image: df.predict(network, image, transform=FIT), images))
    for number, prediction in enumerate(kept + own):
        assert_equal(expected[number % 6], prediction)


def test_a_network_predicts_what_it_has_learned_since(network, images, shapes):
    network = copy.deepcopy(network)
    before = network.predict(images[0], transform=FIT)
    engine = network.predictors
    assert len(engine) == 1
    assert copy.deepcopy(network).predictors == {}
    network.predict(images[1], transform=FIT)
    assert list(engine.values())[0] is list(network.predictors.values())[0]
    changed = {name: 1.5 * value for name, value in network.parameters.items()}
    network.set_params(changed, network.statistics)
    after = network.predict(images[0], transform=FIT)
    assert_equal(after, df.predict(network, images[0], transform=FIT))
    assert not np.array_equal(before["detection"]["scores"], after["detection"]["scores"])


def test_files_folders_and_arrays_are_predicted(network, images, tmp_path):
    for name, image in zip("ba", images):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[..., ::-1])
    folder = network.predict(tmp_path, transform=FIT)
    files = network.predict([tmp_path / "a.png", images[0]], transform=FIT)
    for one, two in zip(folder, files):
        assert_equal(one, two)
    assert_equal(folder[1], network.predict(str(tmp_path / "b.png"), transform=FIT))


def test_mistakes_are_errors(network, images):
    with pytest.raises(ConfigError, match="count of rows"):
        Predictor(network, batch_size=0)
    with pytest.raises(DataError, match="no image"):
        network.predict([images[0].astype(np.float32)])
