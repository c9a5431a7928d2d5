import logging

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.pixel_weights import median_frequency_weights
from densefit.data.classes.renamed_classes import RenamedClasses
from densefit.data.sample import Sample
from densefit.data.subset import Subset
from densefit.errors import DataError

NAMES = ["road", "sky", "car", "train"]


class Masks:
    """Masks of given values; some samples have none."""

    mask_classes = NAMES

    def __init__(self, masks):
        self.masks = masks

    def __len__(self):
        return len(self.masks)

    def id_of(self, index):
        return f"s{index}"

    def __getitem__(self, index):
        mask = self.masks[index]
        if isinstance(mask, Exception):
            raise mask
        targets = {} if mask is None else {"mask": np.asarray(mask, np.uint8)}
        shape = (1, 1) if mask is None else np.shape(mask)
        return Sample(self.id_of(index), np.zeros((*shape, 3), np.uint8), targets)


class MasksAlone(Masks):
    def mask_of(self, index):
        return np.asarray(self.masks[index], np.uint8)

    def __getitem__(self, index):
        raise AssertionError("the image is not needed")


class WithoutMaps(Masks):
    def mask_of(self, index):
        raise AssertionError("the mask past the wrapper's map of classes")


FIRST = [[0, 0, 0, 1], [0, 0, 255, 255]]  # road 5 of 6, sky 1 of 6
SECOND = [[0, 0, 2, 2], [0, 0, 2, 2]]  # road 4 of 8, car 4 of 8


def test_frequencies_by_hand(caplog):
    """Road 9 of 14 pixels, sky 1 of 6, car 4 of 8: the median is 1/2; train has no pixel."""
    with caplog.at_level(logging.WARNING):
        weights = median_frequency_weights(Masks([FIRST, None, SECOND]))
    np.testing.assert_allclose(weights, [14 / 18, 3, 1, 0], rtol=1e-12)
    assert "no pixel of train" in caplog.text
    assert weights.dtype == np.float64


def test_equals_a_direct_reading_of_the_formula():
    rng = np.random.default_rng(0)
    masks = [rng.choice([0, 0, 0, 1, 2, 3, 255], (7, 9)) for _ in range(12)]
    masks += [rng.choice([0, 2], (5, 4)) for _ in range(5)]
    frequencies = []
    for index in range(4):
        shown = [mask for mask in masks if (mask == index).any()]
        total = sum(int((mask == index).sum()) for mask in shown)
        frequencies.append(total / sum(int((mask != 255).sum()) for mask in shown))
    expected = np.median(frequencies) / np.array(frequencies)
    for kind, workers in ((Masks, 3), (MasksAlone, None), (Masks, 1)):
        weights = median_frequency_weights(kind(masks), workers=workers)
        np.testing.assert_allclose(weights, expected, rtol=1e-12)


def test_classes_of_the_head_and_renamed_ones():
    head = df.head("segmentation", classes=["sky", "road", "car", "train"])
    weights = median_frequency_weights(Masks([FIRST, SECOND]), head)
    np.testing.assert_allclose(weights, [3, 14 / 18, 1, 0], rtol=1e-12)
    merged = RenamedClasses(WithoutMaps([FIRST, SECOND]), {"car": "sky", "train": None})
    np.testing.assert_allclose(median_frequency_weights(merged), weights_of_two(), rtol=1e-12)


def weights_of_two():
    """Road 9 of 14, sky (and car) 5 of 14."""
    frequency = np.array([9, 5]) / 14
    return np.median(frequency) / frequency


def test_a_subset_reads_its_own_masks():
    subset = Subset(MasksAlone([[[1, 1]], FIRST, SECOND]), [2, 1])
    expected = median_frequency_weights(Masks([SECOND, FIRST]))
    np.testing.assert_allclose(median_frequency_weights(subset), expected, rtol=1e-12)


def test_what_is_wrong_is_named():
    with pytest.raises(DataError, match=r"no class[\s\S]*0 to 3[\s\S]*\[0, 7\][\s\S]*s1"):
        median_frequency_weights(Masks([FIRST, [[0, 7]]]))
    with pytest.raises(DataError, match="No mask has a pixel"):
        median_frequency_weights(Masks([[[255, 255]]]))
    broken = Masks([FIRST, DataError("broken"), SECOND])
    with pytest.raises(DataError, match="broken"):
        median_frequency_weights(broken)
    np.testing.assert_allclose(
        median_frequency_weights(broken, on_error="skip"), [14 / 18, 3, 1, 0], rtol=1e-12
    )
