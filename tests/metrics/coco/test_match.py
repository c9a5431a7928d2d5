import numpy as np
import pytest

from densefit.metrics.coco import match as coco_match
from densefit.metrics.coco.match import match
from densefit.metrics.detection.boxes import coco_iou

AREAS = np.array([[0.0, 1e10], [0.0, 1024.0]])


def case(images=12, found=150, true=80, classes=3):
    r = np.random.default_rng(0)

    def boxes(count):
        return r.integers(0, [10, 10, 40, 40], (count, 4)).astype(float)

    sides = []
    for count in (found, true):
        own = boxes(count)
        sides.append(
            {
                "image": np.sort(r.integers(0, images, count)),
                "classes": r.integers(0, classes, count),
                "bbox": own,
                "area": own[:, 2] * own[:, 3],
            }
        )
    sides[0]["scores"] = r.integers(0, 20, found) / 20
    sides[1]["crowd"] = r.random(true) < 0.1
    sides[1]["ignored"] = r.random(true) < 0.1
    return sides


def run(found, truth, limit=100, seen=None):
    def overlap(rows, truths):
        if seen is not None:
            seen.append(list(zip(rows.tolist(), truths.tolist())))
        return coco_iou(found["bbox"][rows], truth["bbox"][truths], truth["crowd"][truths])

    return match(found, truth, 3, limit, AREAS, overlap)


@pytest.mark.parametrize("portion", [1, 7, 50])
def test_portions_change_nothing(monkeypatch, portion):
    found, truth = case()
    whole = run(found, truth)
    monkeypatch.setattr(coco_match, "_AT_ONCE", portion)
    seen = []
    parts = run(found, truth, seen=seen)
    assert len(seen) > 2
    for name in vars(whole):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    # No more at once than asked for, or else one detection with all it may match.
    assert all(len(pairs) <= portion or len({row for row, _ in pairs}) == 1 for pairs in seen)


def test_pairs_share_image_and_class_and_come_with_all_others_of_the_detection():
    found, truth = case()
    seen = []
    run(found, truth, seen=seen)
    pairs = [pair for portion in seen for pair in portion]
    for row in {row for row, _ in pairs}:
        same = (truth["image"] == found["image"][row]) & (truth["classes"] == found["classes"][row])
        places = [place for place, (own, _) in enumerate(pairs) if own == row]
        assert [pairs[place][1] for place in places] == np.flatnonzero(same).tolist()
        assert places == list(range(places[0], places[-1] + 1))


def test_what_is_told():
    found, truth = case()
    matches = run(found, truth, limit=2)
    keys = list(zip(matches.images.tolist(), np.repeat(range(3), np.diff(matches.starts)).tolist()))
    assert max(keys.count(key) for key in keys) == 2
    assert set(matches.rank.tolist()) == {0, 1}
    assert matches.inside[0].all()
    assert not matches.inside[1].all()
    assert set(np.unique(matches.verdict)) == {0, 1, 2}
    skipped = truth["crowd"] | truth["ignored"]
    assert (matches.counted[0] == ~skipped).all()
    assert (matches.counted[1] == (~skipped & (truth["area"] <= 1024))).all()


@pytest.mark.parametrize(("many", "few"), [(0, 5), (5, 0), (0, 0)])
def test_nothing_on_a_side(many, few):
    found, truth = case(found=many, true=few)
    matches = run(found, truth)
    assert len(matches.images) == many
    assert matches.verdict.shape == (2, 10, 0)
    assert matches.counted.shape == (2, few)
