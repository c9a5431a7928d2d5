"""Hand-made cases of matching; test_voc_ap.py compares with a plain transcription of the rules."""

import numpy as np
import pytest

from densefit.metrics.detection.boxes import pairwise_iou
from densefit.metrics.voc import match as voc_match
from densefit.metrics.voc.match import evaluate, match, paired_iou

A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def columns(boxes, images=0, classes=0, **more):
    boxes = np.float64(boxes).reshape(-1, 4)
    n = len(boxes)
    table = {"boxes": boxes, "image": np.full(n, images), "classes": np.full(n, classes)}
    return {**table, **{name: np.full(n, value) for name, value in more.items()}}


def verdicts(found, truth, left_out=False, iou=0.5, offset=0.0):
    """What became of boxes in the order of falling score."""
    found = columns(found, scores=0.0)
    found["scores"] = -np.arange(len(found["boxes"]))
    truth = columns(truth, difficult=left_out, crowd=False)
    judged = evaluate(found, truth, 1, iou, offset)
    return [
        "right" if right else "wrong" if wrong else "-"
        for right, wrong in zip(judged.right, judged.wrong)
    ]


def test_a_duplicate_is_wrong():
    assert verdicts([A, A, FAR, B], [A, B]) == ["right", "wrong", "wrong", "right"]


def test_a_taken_box_does_not_give_way_to_the_second_best():
    # Both detections overlap the first box most; the second box is never found.
    assert verdicts([A, [0, 1, 10, 11]], [A, [0, 4, 10, 14]]) == ["right", "wrong"]


def test_difficult_boxes_swallow_all_that_match_them():
    assert verdicts([B, B, A, FAR], [A, B], left_out=[False, True]) == ["-", "-", "right", "wrong"]


def test_crowds_count_as_difficult():
    truth = columns([A], difficult=False, crowd=True)
    judged = evaluate(columns([A], scores=1.0), truth, 1, 0.5)
    assert not judged.right[0]
    assert not judged.wrong[0]
    assert len(judged.true_image) == 0


@pytest.mark.parametrize(
    ("box", "expected"), [([0, 0, 10, 5], "right"), ([0, 0, 10, 4.9], "wrong")]
)
def test_overlap_of_exactly_the_threshold_is_enough(box, expected):
    assert verdicts([box], [A]) == [expected]


def test_the_extra_pixel_decides_small_boxes():
    assert verdicts([[0, 0, 1, 3]], [[0, 0, 3, 3]], iou=0.4) == ["wrong"]
    assert verdicts([[0, 0, 1, 3]], [[0, 0, 3, 3]], iou=0.4, offset=1.0) == ["right"]


def test_only_boxes_of_the_image_and_the_class_match():
    found = columns([A, A, A], images=[0, 1, 1], classes=[1, 0, 1])
    overlap, index = match(found, columns([FAR, A, B], images=1, classes=[0, 1, 1]))
    assert overlap.tolist() == [0.0, 0.0, 1.0]
    assert index.tolist() == [-1, 0, 1]


def test_the_first_of_equal_overlaps_wins():
    _, index = match(columns([[5, 0, 15, 10]]), columns([FAR, [10, 0, 20, 10], A]))
    assert index.tolist() == [1]


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_large_groups_are_matched_as_small_ones(monkeypatch, offset):
    r = np.random.default_rng(0)
    sides = []
    for count in (400, 150):
        boxes = r.integers(0, 12, (count, 4)).astype(float)  # many equal overlaps
        boxes[:, 2:] += boxes[:, :2]
        sides.append({**columns(boxes), "image": r.integers(0, 3, count)})
        sides[-1]["classes"] = np.minimum(r.integers(0, 5, count), 2)
    expected = None
    for many, portion in ((1 << 30, 1 << 18), (1 << 10, 1 << 18), (0, 50)):
        monkeypatch.setattr(voc_match, "_MANY", many)
        monkeypatch.setattr(voc_match, "_PAIRS", portion)
        found = match(*sides, offset)
        expected = expected or found
        for one, other in zip(found, expected):
            np.testing.assert_array_equal(one, other)


def test_no_boxes():
    none = columns([])
    for found, truth in ((none, none), (columns([A]), none), (none, columns([A]))):
        overlap, index = match(found, truth)
        assert overlap.tolist() == [0.0] * len(found["boxes"])
        assert index.tolist() == [-1] * len(found["boxes"])


def scene(images, seed=0):
    """Detections and true boxes of many images, with equal overlaps and empty boxes."""
    r = np.random.default_rng(seed)
    sides = []
    for many in (20, 5):
        image = np.sort(r.integers(0, images, images * many))
        corner = r.integers(0, 12, (len(image), 2))
        boxes = np.hstack([corner, corner + r.integers(0, 12, (len(image), 2))])
        sides.append({"image": image, "classes": r.integers(0, 3, len(image)), "boxes": boxes})
    return sides


def test_a_pair_overlaps_as_in_a_table_of_all_pairs():
    first, second = (side["boxes"][:40] for side in scene(10))
    for offset in (0.0, 1.0):
        table = pairwise_iou(first, second, offset)
        np.testing.assert_array_equal(paired_iou(first, second, offset), np.diag(table))


@pytest.mark.parametrize("pairs", [1, 7, 1 << 18])
def test_equals_a_loop_over_detections(monkeypatch, pairs):
    monkeypatch.setattr(voc_match, "_PAIRS", pairs)  # the blocks must not show
    found, truth = scene(20)
    overlap, index = match(found, truth)
    for row in range(len(overlap)):
        same = np.flatnonzero(
            (truth["image"] == found["image"][row]) & (truth["classes"] == found["classes"][row])
        )
        ious = pairwise_iou(found["boxes"][row : row + 1], truth["boxes"][same])[0]
        assert overlap[row] == ious.max(initial=0.0)
        assert index[row] == (same[ious.argmax()] if len(same) else -1)


def test_images_are_compared_in_large_blocks(monkeypatch):
    sizes = []

    def counting(first, second, offset):
        sizes.append(len(first))
        return paired_iou(first, second, offset)

    monkeypatch.setattr(voc_match, "paired_iou", counting)
    found, truth = scene(500)
    match(found, truth)
    assert len(sizes) == 1  # and not one for each image
    monkeypatch.setattr(voc_match, "_PAIRS", 1000)
    pairs, sizes[:] = sizes[0], []
    match(found, truth)
    most_of_one = 50  # true boxes of an image
    assert max(sizes) < 1000 + most_of_one
    assert sum(sizes) == pairs
