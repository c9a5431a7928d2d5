import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.mixup import Mixup
from densefit.data.transforms.resize import Letterbox
from densefit.datasets import Shapes
from densefit.errors import DataError

DATA = Shapes(6, size=(40, 60), empty=0.0, keypoints=True)
OTHER = Shapes(6, size=(32, 32), seed=1, empty=0.0, keypoints=True)[2]
DROP = ["label", "mask", "instances"]


def test_the_objects_of_both_where_they_shine_through():
    sample, rng = DATA[1], np.random.default_rng(0)
    after = Mixup(1.0, drop=DROP)(sample, rng, lambda count: [OTHER])
    fitted = Letterbox(40, 60)(OTHER, rng)
    for name in ("boxes", "classes", "difficult", "crowd", "area", "keypoints"):
        expected = np.concatenate([sample.targets[name], fitted.targets[name]])
        np.testing.assert_array_equal(after.targets[name], expected, err_msg=name)
    assert len(np.unique(after.targets["instance_ids"])) == len(after.targets["boxes"])
    # The image is a mean of the two with one share everywhere.
    low, high = sample.image.astype(float), fitted.image.astype(float)
    share = np.polyfit((low - high).ravel(), (after.image - high).ravel(), 1)[0]
    assert 0.1 < share < 0.9
    np.testing.assert_allclose(after.image, share * low + (1 - share) * high, atol=1)
    assert set(after.targets).isdisjoint(DROP)
    assert "mask" in sample.targets


def test_a_large_alpha_mixes_by_halves():
    black, white = (Sample("s", np.full((4, 4, 3), value, np.uint8), {}) for value in (0, 200))

    def shares(alpha):
        return [
            Mixup(1.0, alpha)(
                black, np.random.default_rng(seed), lambda count: [white]
            ).image.mean()
            for seed in range(200)
        ]

    assert np.std(shares(1.0)) == pytest.approx(200 / np.sqrt(12), rel=0.15)
    assert np.std(shares(50.0)) < 15


@pytest.mark.parametrize("name", DROP)
def test_pixels_and_pictures_of_two_have_no_one_class(name):
    step = Mixup(1.0, drop=[one for one in DROP if one != name])
    with pytest.raises(DataError, match=rf"'{name}'[\s\S]*drop=\['{name}'\]"):
        step(DATA[0], np.random.default_rng(0), lambda count: [OTHER])


def test_labels_of_several_classes_are_joined():
    pictures = [
        Sample("s", np.zeros((4, 4, 3), np.uint8), {"labels": np.array(labels)})
        for labels in ([1, 0, 0], [0, 0, 1])
    ]
    after = Mixup(1.0)(pictures[0], np.random.default_rng(0), lambda count: pictures[1:])
    np.testing.assert_array_equal(after.targets["labels"], [1, 0, 1])


def test_how_often():
    changed = sum(
        Mixup(0.3, drop=DROP)(sample, np.random.default_rng(seed), lambda count: [OTHER])
        is not sample
        for seed in range(300)
        for sample in [DATA[0]]
    )
    assert 60 < changed < 120
