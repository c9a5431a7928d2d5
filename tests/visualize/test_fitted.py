"""Predictions brought to the size of their drawing."""

import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.visualize import fitted as module
from densefit.visualize.fitted import Fitted

SIZES = [(40, 60), (7, 301), (900, 700), (1, 1000)]


def rle(mask):
    return coco.encode(np.asfortranarray(mask, np.uint8))


@pytest.mark.parametrize("size", SIZES)
def test_the_longer_side_is_in_range(size):
    drawn = Fitted.within(size, 320, 480).drawn
    assert 160 < max(drawn) <= 480
    assert min(drawn) >= 1
    image = np.full((*size, 3), 9, np.uint8)
    assert Fitted.within(size, 320, 480).image(image).shape == (*drawn, 3)


def test_what_fits_stays_as_it_is():
    fitted = Fitted.within((400, 300), 320, 480)
    value = {"boxes": np.zeros((2, 4)), "masks": [1]}
    assert fitted(value) is value
    image = np.zeros((400, 300, 3), np.uint8)
    assert fitted.image(image) is image


def test_each_name_in_its_way():
    fitted = Fitted((100, 200), (50, 400))
    value = {
        "boxes": np.float32([[10, 20, 30, 40]]),
        "bbox": [[10, 20, 30, 40]],
        "keypoints": np.array([[[10, 20, 2]]]),
        "scores": np.array([0.5]),
        "map": np.arange(100 * 200).reshape(100, 200),
        "nested": {"boxes": np.zeros((0, 4))},
    }
    found = fitted(value)
    assert found["boxes"].tolist() == found["bbox"].tolist() == [[20, 10, 60, 20]]
    assert found["keypoints"].tolist() == [[[20, 10, 2]]]
    assert found["scores"] is value["scores"]
    assert found["map"].shape == (50, 400)
    assert found["map"][3, 8] == value["map"][7, 4]
    assert found["nested"]["boxes"].shape == (0, 4)
    assert fitted("a class") == "a class"
    assert value["boxes"][0, 0] == 10


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("decoded", [0, 1 << 24])
def test_masks_of_all_kinds_are_the_same(monkeypatch, size, decoded):
    monkeypatch.setattr(module, "_DECODED", decoded)
    r = np.random.default_rng(0)
    masks = np.zeros((3, *size), np.uint8)
    masks[0, : size[0] // 2 + 1, size[1] // 3 :] = 1
    masks[1] = r.random(size) < 0.5
    texts = [rle(mask) for mask in masks]
    plain = [{"size": list(size), "counts": runs(mask)} for mask in masks]
    fitted = Fitted.within(size, 120, 200)
    expected = fitted({"masks": masks})["masks"]
    assert expected.shape == (3, *fitted.drawn)
    np.testing.assert_array_equal(expected[1], fitted(masks[1]))
    for given in (texts, plain, list(masks)):
        for one, mask in zip(fitted({"masks": given})["masks"], expected):
            found = coco.decode(one) if isinstance(one, dict) else one
            np.testing.assert_array_equal(found, mask)


def runs(mask):
    flat = mask.T.ravel()
    cuts = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], cuts, [flat.size]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def test_a_mask_of_ten_thousand_million_pixels():
    side = 100_000
    counts = [side * side // 2, side * side // 4, side * side // 4]
    fitted = Fitted.within((side, side), 320, 480)
    (found,) = fitted({"masks": [{"size": [side, side], "counts": counts}]})["masks"]
    columns = coco.decode(found).all(axis=0)
    assert np.flatnonzero(columns).tolist() == list(range(240, 360))


@pytest.mark.parametrize("size", [(8, 8), (100, 300), (2000, 1500)])
def test_all_drawings_have_one_longer_side(size):
    fitted = Fitted.within(size, 300, 300)
    assert max(fitted.drawn) == 300
    assert fitted.image(np.zeros((*size, 3), np.uint8)).shape[:2] == fitted.drawn
