"""Patterns over rooms: the room below is the same, and the target says what covers it."""

import numpy as np
import pytest

from densefit.data.transforms import Compose, RandomFlip
from densefit.datasets import Rooms
from densefit.datasets.rooms.stripes import STRIPES_CLASSES, add_stripes
from densefit.errors import ConfigError

SIZE = (32, 48)


def test_each_patch_has_the_pattern_that_its_target_names():
    grey = np.full((*SIZE, 3), 128, np.uint8)
    image, target = add_stripes(np.random.default_rng(0), grey, 0.5)
    assert set(np.unique(target)) == set(range(len(STRIPES_CLASSES)))
    for top in range(0, 32, 8):
        for left in range(0, 48, 8):
            patch = image[top : top + 8, left : left + 8, 0].astype(int)
            (kind,) = np.unique(target[top : top + 8, left : left + 8])
            varies = (np.ptp(patch, axis=0).max() > 0, np.ptp(patch, axis=1).max() > 0)
            expected = {"plain": (False, False), "rows": (True, False), "columns": (False, True)}
            assert varies == expected.get(STRIPES_CLASSES[kind], (True, True))
            assert np.ptp(patch) == (126 if any(varies) else 0) + any(varies)


def test_the_room_is_that_without_a_conflict():
    plain, covered = Rooms(2, SIZE)[1], Rooms(2, SIZE, conflict=0.3)[1]
    assert "stripes" not in plain.targets
    for name, value in plain.targets.items():
        np.testing.assert_array_equal(covered.targets[name], value)
    is_plain = covered.targets["stripes"] == STRIPES_CLASSES.index("plain")
    np.testing.assert_array_equal(covered.image[is_plain], plain.image[is_plain])
    assert (covered.image[~is_plain] != plain.image[~is_plain]).mean() > 0.9


def test_patterns_differ_by_picture_and_split_and_not_by_time():
    data = Rooms(2, SIZE, conflict=0.3)
    first = data[0].targets["stripes"]
    np.testing.assert_array_equal(first, data[0].targets["stripes"])
    assert (first != data[1].targets["stripes"]).any()
    assert (first != Rooms(2, SIZE, split="val", conflict=0.3)[0].targets["stripes"]).any()


def test_a_mirrored_pattern_is_of_the_same_class():
    sample = Rooms(1, SIZE, conflict=1.0)[0]
    flipped = Compose([RandomFlip(1.0)])(sample, np.random.default_rng(0))
    np.testing.assert_array_equal(flipped.targets["stripes"], sample.targets["stripes"][:, ::-1])


def test_labels_and_settings():
    data = Rooms(20, SIZE, conflict=0.3, labelled={"stripes": 0.5})
    has = ["stripes" in data.targets_of(index) for index in range(20)]
    assert 0 < sum(has) < 20
    assert data.stripes_classes == ["plain", "rows", "columns", "checks"]
    assert repr(data).endswith("labelled={stripes: 0.5}, conflict=0.3)")
    assert not hasattr(Rooms(1), "stripes_classes")
    with pytest.raises(ConfigError, match=r"(?s)conflict 0 to 1.*conflict=1\.5"):
        Rooms(conflict=1.5)
