"""Scoring and predicting with several views of each picture."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def network():
    """Trained a little, so that it says something."""
    data = df.dataset("shapes", length=16, size=(48, 64), seed=1)
    heads = [
        df.head("segmentation", classes=data.mask_classes, decoder="fcn", channels=8),
        df.head("detection", classes=data.classes, channels=8, strides=(8, 16), sizes=(3.0,)),
    ]
    made = df.Network("resnet18", heads, settings={"width": 8})
    loader = df.Loader(data, batch_size=8, heads=made.heads, workers=0)
    df.fit(made, loader, epochs=3, schedule=df.Constant(0.01), callbacks=[])
    return made


def data(length=5, size=(48, 64)):
    return df.dataset("shapes", length=length, size=size, seed=2, split="val")


def looking(dataset, batch_size=3, views=None, input_size=(48, 64), workers=0):
    return df.Loader.views(
        dataset, input_size=input_size, batch_size=batch_size, views=views, workers=workers
    )


def same(one, other):
    assert list(one) == list(other)
    np.testing.assert_array_equal(list(one.values()), list(other.values()))


def test_one_view_of_the_input_s_size_scores_as_without_views(network):
    plain = df.score(network, df.Loader(data(), batch_size=2, workers=0))
    same(df.score(network, looking(data())), plain)


def test_batches_and_workers_do_not_matter(network):
    views = df.Views(fit="original", flip=True, scales=(0.8, 1.2), overlap=0.3)
    size, window = (60, 90), (32, 64)
    found = [
        df.score(network, looking(data(3, size), n, views, window, workers))
        for n, workers in ((1, 0), (4, 2), (50, 0))
    ]
    same(found[0], found[1])
    same(found[0], found[2])
    assert found[0]["segmentation/mIoU"] > 0


def test_a_mirrored_view_of_a_mirrored_picture_is_the_picture(network):
    """Averaging a view with its mirror image makes the prediction symmetric."""
    dataset = data(2)
    views = df.Views(flip=True)

    class Mirrored:
        classes, id_of, __len__ = dataset.classes, dataset.id_of, dataset.__len__

        def __getitem__(self, index):
            sample = dataset[index]
            return df.Sample(sample.id, sample.image[:, ::-1].copy(), {})

    Mirrored.__len__ = lambda self: 2
    straight = dict(df.predict(network, looking(dataset, views=views)))
    turned = dict(df.predict(network, looking(Mirrored(), views=views)))
    for key, found in straight.items():
        mask, other = found["segmentation"], turned[key]["segmentation"][:, ::-1]
        assert (mask == other).mean() > 0.999  # ties and float sums apart
        boxes, others = found["detection"]["boxes"], turned[key]["detection"]["boxes"]
        assert len(boxes) == len(others) > 0
        np.testing.assert_allclose(np.sort(boxes[:, 0]), np.sort(64 - others[:, 2]), atol=1e-2)


def test_windows_give_masks_of_the_original_size(network):
    dataset = data(2, (70, 100))
    views = df.Views(fit="original")
    for key, found in df.predict(network, looking(dataset, views=views, input_size=(32, 48))):
        assert found["segmentation"].shape == (70, 100)
        assert key in (dataset.id_of(0), dataset.id_of(1))


def test_routes_and_heads_that_cannot_merge_are_refused(tiny):
    network = tiny.network()
    loader = tiny.loader(network)
    df.fit(network, loader, epochs=1, optimizer_params={"learning_rate": 0.1})
    with pytest.raises(ConfigError, match="method `merge_predictions`"):
        df.score(network, looking(tiny.Pictures(3), input_size=(32, 32)))
    routed = df.Network(symbol=tiny.conv_bn(), routes=tiny.kind_route())
    with pytest.raises(ConfigError, match="merged by heads"):
        df.score(routed, looking(tiny.Pictures(3), input_size=(32, 32)))


def test_repeated_and_broken_samples_are_told(network, tiny):
    twice = data(2)
    twice.id_of = lambda index: "same"

    class Twice:
        classes, id_of = twice.classes, staticmethod(lambda index: "same")

        def __len__(self):
            return 3

        def __getitem__(self, index):
            sample = data(3)[index]
            return df.Sample("ab"[index % 2], sample.image, sample.targets)

    with pytest.raises(DataError, match="'a' came twice"):
        df.score(network, looking(Twice()))
    with pytest.raises(DataError, match="cannot decode"):
        df.score(network, looking(tiny.Pictures(3, broken=1)))


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"workers": -1}, {"input_size": (0, 4)}], ids=str
)
def test_settings_are_checked(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        df.Loader.views(data(), **{"input_size": (8, 8), "batch_size": 1, **wrong})
