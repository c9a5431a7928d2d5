"""Instances and stuff laid into one map."""

import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.tasks.panoptic.segments import merge_unannotated, panoptic_map

THINGS = [2, 5]


def instances(masks, scores, classes):
    runs = [coco.encode(np.asfortranarray(mask, np.uint8)) for mask in masks]
    return {"masks": runs, "scores": scores, "classes": classes}


def rectangle(x1, y1, x2, y2, size=(20, 30)):
    mask = np.zeros(size, bool)
    mask[y1:y2, x1:x2] = True
    return mask


def brute_force(semantic, masks, scores, classes, overlap, min_stuff):
    """Pixel sets, as the paper says it: (class, pixels) of each segment."""
    taken, segments = set(), []
    for row in sorted(range(len(masks)), key=lambda i: -scores[i]):
        pixels = set(map(tuple, np.argwhere(masks[row])))
        left = pixels - taken
        if left and len(left) >= overlap * len(pixels):
            segments.append((THINGS[classes[row]], left))
            taken |= left
    for kind in range(8):
        pixels = set(map(tuple, np.argwhere(semantic == kind))) - taken
        if kind not in THINGS and pixels and len(pixels) >= min_stuff:
            segments.append((kind, pixels))
    return segments


@pytest.mark.parametrize("seed", range(12))
def test_equals_sets_of_pixels(seed):
    rng = np.random.default_rng(seed)
    semantic = rng.integers(0, 8, (5, 6)).repeat(4, axis=0).repeat(5, axis=1).astype(np.uint8)
    masks = []
    for _ in range(7):
        x, y = rng.integers(0, 25), rng.integers(0, 15)
        masks.append(rectangle(x, y, x + rng.integers(0, 14), y + rng.integers(1, 12)))
    scores, classes = rng.permutation(7) / 10, rng.integers(0, 2, 7)
    overlap, min_stuff = rng.uniform(0.2, 1), rng.integers(0, 80)
    made = panoptic_map(
        semantic, instances(masks, scores, classes), THINGS, overlap, int(min_stuff)
    )
    expected = brute_force(semantic, masks, scores, classes, overlap, min_stuff)
    assert made["classes"].tolist() == [kind for kind, _ in expected]
    assert made["ids"].tolist() == list(range(1, len(expected) + 1))
    for one, (_, pixels) in zip(made["ids"], expected):
        assert set(map(tuple, np.argwhere(made["map"] == one))) == pixels
    assert (made["map"] == 0).sum() == 600 - sum(len(pixels) for _, pixels in expected)


def test_a_thing_of_the_mask_alone_is_void():
    semantic = np.where(rectangle(5, 5, 15, 15), 2, 0).astype(np.uint8)
    made = panoptic_map(semantic, instances([], [], []), THINGS)
    np.testing.assert_array_equal(made["map"], np.where(semantic == 2, 0, 1))
    np.testing.assert_array_equal(made["classes"], [0])


def test_nothing_at_all():
    semantic = np.full((4, 5), 2, np.uint8)
    made = panoptic_map(semantic, instances([], [], []), THINGS)
    assert not made["map"].any()
    assert made["ids"].shape == made["classes"].shape == (0,)


@pytest.mark.parametrize("background", [0, 1, None])
def test_what_a_sample_cannot_judge_becomes_background(background):
    """Pixel by pixel: each has its own class still, or the background, or none."""
    semantic = np.zeros((20, 30), np.uint8)
    semantic[:, 20:] = 3
    masks = [rectangle(2, 2, 8, 9), rectangle(10, 4, 18, 12), rectangle(22, 1, 29, 5)]
    found = panoptic_map(semantic, instances(masks, [0.9, 0.8, 0.7], [0, 1, 1]), THINGS)
    known = np.array([True, True, True, False, True, False])
    judged = merge_unannotated(found, known, background)

    def classes_of(segments):
        table = np.full(segments["ids"].max() + 1, -1)
        table[segments["ids"]] = segments["classes"]
        return table[segments["map"]]

    before, after = classes_of(found), classes_of(judged)
    expected = np.where(np.isin(before, [3, 5]), -1 if background is None else background, before)
    np.testing.assert_array_equal(after, expected)
    assert len(set(judged["ids"].tolist())) == len(judged["ids"])
    assert (judged["map"][rectangle(2, 2, 8, 9)] == 1).all()  # a thing that stays keeps its id
    assert judged["map"].dtype == np.int32
    assert merge_unannotated(found, np.ones(6, bool), background) is found
