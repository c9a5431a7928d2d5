"""Keypoints in another order are the same keypoints."""

from dataclasses import replace

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.keypoint_matching import PointMap
from densefit.datasets import Shapes
from densefit.errors import DataError

DATA = Shapes(4, size=(48, 48), empty=0.0, keypoints=True)
NAMES = list(DATA.keypoint_names)


class Turned:
    """`Shapes` whose keypoints come in reverse."""

    classes, keypoint_names = DATA.classes, NAMES[::-1]
    mask_classes, label_classes = DATA.mask_classes, DATA.label_classes

    def __len__(self):
        return len(DATA)

    def id_of(self, index):
        return DATA.id_of(index)

    def __getitem__(self, index):
        sample = DATA[index]
        points, order = sample.targets["keypoints"], sample.targets["keypoint_flip"]
        last = len(order) - 1
        own = {"keypoints": points[:, ::-1], "keypoint_flip": last - order[::-1]}
        return replace(sample, targets={**sample.targets, **own})


def test_points_that_the_dataset_lacks_are_not_labelled():
    change = PointMap("keypoints", np.array([2, 0]), 3, "here")
    points = np.arange(12, dtype=np.float32).reshape(2, 2, 3) + 1
    found = change({"keypoints": points, "keypoint_flip": np.array([1, 0])})
    np.testing.assert_array_equal(found["keypoints"][:, 2], points[:, 0])
    np.testing.assert_array_equal(found["keypoints"][:, 0], points[:, 1])
    assert not found["keypoints"][:, 1].any()
    assert found["keypoint_flip"].tolist() == [2, 1, 0]
    assert change({"mask": 1}) == {"mask": 1}
    with pytest.raises(DataError, match=r"\(n, 2, 3\)[\s\S]*here"):
        change({"keypoints": np.zeros((1, 5, 3))})


def test_datasets_of_a_mixture_have_one_order():
    mixture = df.Mixture({"a": DATA, "b": Turned()})
    assert mixture.keypoint_names == NAMES
    for index in range(4):
        one, other = mixture[index].targets, mixture[4 + index].targets
        np.testing.assert_array_equal(one["keypoints"], other["keypoints"])
        np.testing.assert_array_equal(one["keypoint_flip"], other["keypoint_flip"])


def test_different_keypoints_have_no_common_names():
    other = Turned()
    other.keypoint_names = ["a", *NAMES[1:]]
    assert df.Mixture({"a": DATA, "b": other}).keypoint_names is None
    assert df.Mixture({"a": Shapes(2, size=(48, 48))}).keypoint_names is None


class Late:
    """`Shapes` of a hundred samples, the last but one of which has keypoints; nobody says so."""

    def __init__(self, dataset, names):
        self.dataset = dataset
        self.classes, self.keypoint_names = DATA.classes, names

    def __len__(self):
        return 100

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        sample = self.dataset[index % 4]
        late = ["keypoints", "keypoint_flip"] if index != 98 else []
        targets = {k: v for k, v in sample.targets.items() if k not in late}
        return replace(sample, targets=targets)


@pytest.mark.parametrize("workers", [0, 2])
def test_keypoints_that_come_late_have_the_common_order(workers):
    mixture = df.Mixture({"a": DATA, "b": Late(Turned(), NAMES[::-1])})
    assert mixture.keypoint_names == NAMES
    found, expected = mixture[4 + 98].targets, DATA[98 % 4].targets
    np.testing.assert_array_equal(found["keypoints"], expected["keypoints"])
    np.testing.assert_array_equal(found["keypoint_flip"], expected["keypoint_flip"])
    alone = df.Mixture({"b": Late(Turned(), NAMES[::-1]), "c": Late(DATA, NAMES)})
    assert alone.keypoint_names == NAMES[::-1]
    turned = Turned()[98 % 4].targets["keypoints"]
    np.testing.assert_array_equal(alone[98].targets["keypoints"], turned)
    np.testing.assert_array_equal(alone[100 + 98].targets["keypoints"], turned)
    heads = [df.head("keypoints", classes=DATA.classes, keypoints=NAMES)]
    with df.Loader(mixture, batch_size=104, workers=workers, heads=heads) as loader:
        batch = next(loader)
    places = batch.index.tolist()
    for label in batch.labels.values():
        rows = label[[places.index(98 % 4), places.index(4 + 98)]]
        np.testing.assert_array_equal(*rows)


def test_other_keypoints_that_come_late_are_refused():
    mixture = df.Mixture({"a": DATA, "b": Late(DATA, ["hoof", *NAMES[1:]])})
    assert mixture.keypoint_names == NAMES
    assert "keypoints" not in mixture[4].targets
    with pytest.raises(DataError, match=r"with other names[\s\S]*hoof[\s\S]*dataset 'b'"):
        mixture[4 + 98]
    apart = {"b": {"keypoints": "hoof_keypoints"}}
    mixture = df.Mixture({"a": DATA, "b": Late(DATA, ["hoof", *NAMES[1:]])}, targets=apart)
    assert "hoof_keypoints" in mixture[4 + 98].targets


def test_late_keypoints_without_names_count_by_numbers_and_it_is_said(caplog):
    mixture = df.Mixture({"a": DATA, "b": Late(DATA, None)})
    expected = DATA[98 % 4].targets["keypoints"]
    np.testing.assert_array_equal(mixture[4 + 98].targets["keypoints"], expected)
    np.testing.assert_array_equal(mixture[4 + 98].targets["keypoints"], expected)
    told = [line for line in caplog.messages if "keypoints have no names here" in line]
    assert len(told) == 1
    assert "dataset 'b'" in told[0]
