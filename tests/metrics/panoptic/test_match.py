import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import DataError
from densefit.metrics.panoptic.match import match, overlaps
from densefit.metrics.panoptic.segments import segments

CLASSES = 3


def part(pixels, labels, crowd=()):
    """Segments of a map; `labels` is id -> class, `crowd` the ids of crowds."""
    ids = list(labels)
    return {
        "map": np.array(pixels),
        "ids": np.array(ids),
        "classes": np.array([labels[key] for key in ids]),
        "crowd": np.array([key in crowd for key in ids], bool),
    }


def matched(prediction, target):
    found = segments(prediction, CLASSES, "prediction of 'a'")
    truth = segments(target, CLASSES, "truth of 'a'")
    return match(found, truth, CLASSES, "sample 'a'")


def counts(matches):
    return matches.tp.tolist(), matches.fp.tolist(), matches.fn.tolist()


def with_sets(prediction, target):
    """The rules by sets of pixels, one segment at a time."""

    def regions(part):
        where = {0: set()}
        for place, key in np.ndenumerate(part["map"]):
            where.setdefault(int(key), set()).add(place)
        return where

    guess, true = regions(prediction), regions(target)
    void = true[0]
    class_of = dict(zip(prediction["ids"].tolist(), prediction["classes"].tolist()))
    iou, tp, fp, fn = [0.0] * CLASSES, [0] * CLASSES, [0] * CLASSES, [0] * CLASSES
    used, crowds = set(), {}
    for key, label, crowd in zip(target["ids"], target["classes"], target["crowd"]):
        if crowd:
            crowds[int(label)] = true[int(key)]  # a later one takes the place of an earlier one
            continue
        best = 0.0
        for other, other_label in class_of.items():
            if other_label == label:
                union = (guess[other] - void) | true[int(key)]
                overlap = len(guess[other] & true[int(key)]) / len(union)
                if overlap > 0.5:
                    best = overlap
                    used.add(other)
        iou[label] += best
        (tp if best else fn)[label] += 1
    for key, label in class_of.items():
        if key not in used:
            forgiven = guess[key] & (void | crowds.get(label, set()))
            if len(forgiven) / len(guess[key]) <= 0.5:
                fp[label] += 1
    return iou, tp, fp, fn


def drawn(r, shape, count, crowds):
    """A map of up to `count` segments with ids in no order, their rows in no order either."""
    code = np.concatenate([[0], r.choice(1 << 24, count, replace=False) + 1])
    small = r.integers(0, count + 1, (3, 3))
    pixels = code[small.repeat(4, 0).repeat(4, 1)[: shape[0], : shape[1]]]
    ids = r.permutation(np.unique(pixels[pixels > 0]))
    labels = r.integers(0, r.integers(1, CLASSES + 1), len(ids))
    crowd = (r.random(len(ids)) < 0.4) & crowds
    return {"map": pixels, "ids": ids, "classes": labels, "crowd": crowd}


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.integers(0, 100_000),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.1, 0.3, 0.5]),
    st.sampled_from([np.int64, np.uint32, np.float64]),
)
def test_equals_sets_of_pixels(seed, shape, count, change, dtype):
    r = np.random.default_rng(seed)
    target = drawn(r, shape, count, crowds=True)
    prediction = drawn(r, shape, count, crowds=False)
    if r.random() < 0.7:  # much like the truth
        other = r.random(shape) < change
        pixels = np.where(other, prediction["map"], target["map"])
        known = dict(zip(prediction["ids"].tolist(), prediction["classes"].tolist()))
        known.update(zip(target["ids"].tolist(), target["classes"].tolist()))
        prediction = part(pixels, {key: known[key] for key in np.unique(pixels[pixels > 0])})
    for side in (prediction, target):
        side["map"] = side["map"].astype(dtype)
    iou, tp, fp, fn = with_sets(prediction, target)
    ours = matched(prediction, target)
    assert counts(ours) == (tp, fp, fn)
    np.testing.assert_allclose(ours.iou, iou, rtol=1e-14)


def test_exactly_one_half_is_no_match():
    target = part([[1, 1, 1, 1, 2, 2, 2, 2, 2, 2]], {1: 0, 2: 1})
    half = part([[5, 5, 6, 6, 6, 6, 6, 6, 6, 6]], {5: 0, 6: 1})  # 5: IoU 2/4; 6: 6/8
    assert counts(matched(half, target)) == ([0, 1, 0], [1, 0, 0], [1, 0, 0])
    more = part([[5, 5, 5, 6, 6, 6, 6, 6, 6, 6]], {5: 0, 6: 1})
    ours = matched(more, target)
    assert counts(ours) == ([1, 1, 0], [0, 0, 0], [0, 0, 0])
    np.testing.assert_array_equal(ours.iou, [3 / 4, 6 / 7, 0.0])


def test_void_counts_for_no_union():
    target = part([[1, 1, 0, 0, 0, 0, 2, 2]], {1: 0, 2: 1})
    prediction = part([[5, 5, 5, 5, 5, 5, 5, 0]], {5: 0})
    ours = matched(prediction, target)
    assert counts(ours) == ([1, 0, 0], [0, 0, 0], [0, 1, 0])
    assert ours.iou[0] == 2 / 3


@pytest.mark.parametrize(("inside", "wrong"), [(2, 1), (3, 0)])
@pytest.mark.parametrize("what", ["void", "crowd", "both"])
def test_more_than_half_in_void_and_crowd_is_forgiven(what, inside, wrong):
    row = {"void": [0] * inside, "crowd": [7] * inside, "both": [7] + [0] * (inside - 1)}[what]
    target = part([row + [1] * 20 + [7]], {1: 1, 7: 0}, crowd=[7])
    prediction = part([[5] * 4 + [6] * (inside + 17)], {5: 0, 6: 1})
    assert matched(prediction, target).fp[0] == wrong


def test_crowds_are_neither_matched_nor_missed_and_forgive_only_their_class():
    target = part([[7, 7, 7, 7, 1]], {7: 0, 1: 1}, crowd=[7])
    same = part([[5, 5, 5, 5, 6]], {5: 0, 6: 1})
    other = part([[5, 5, 5, 5, 6]], {5: 2, 6: 1})
    assert counts(matched(same, target)) == ([0, 1, 0], [0, 0, 0], [0, 0, 0])
    assert counts(matched(other, target)) == ([0, 1, 0], [0, 0, 1], [0, 0, 0])


@pytest.mark.parametrize(("order", "wrong"), [((7, 8), 1), ((8, 7), 0)])
def test_the_last_crowd_of_a_class_counts_alone(order, wrong):
    target = part([[7, 7, 7, 8, 1]], {**dict.fromkeys(order, 0), 1: 1}, crowd=[7, 8])
    prediction = part([[5, 5, 5, 5, 6]], {5: 0, 6: 1})
    assert matched(prediction, target).fp.tolist() == [wrong, 0, 0]


def test_overlaps_are_counted_by_segment():
    prediction = part([[5, 5, 0], [9, 9, 9]], {9: 0, 5: 0})
    target = part([[2, 1, 1], [2, 0, 1]], {2: 0, 1: 0})
    sides = [segments(side, CLASSES, "a") for side in (prediction, target)]
    table = overlaps(*sides, "a")
    assert table.tolist() == [[0, 1, 0], [0, 1, 1], [1, 1, 1]]


def test_nothing_described_is_nothing_found():
    empty = {"map": np.zeros((3, 4)), "ids": [], "classes": []}
    assert counts(matched(empty, empty)) == ([0] * 3, [0] * 3, [0] * 3)
    empty["map"] = np.zeros((0, 4), np.uint32)
    assert counts(matched(empty, empty)) == ([0] * 3, [0] * 3, [0] * 3)


GOOD = part([[1, 2]], {1: 0, 2: 1})


@pytest.mark.parametrize("side", ["prediction", "truth"])
@pytest.mark.parametrize(
    ("pixels", "message", "received"),
    [
        ([[1, 3]], "an id that no segment has", "id 3"),
        ([[1, -2]], "an id that no segment has", "id -2"),
        ([[1, 0]], "no pixel", "id 2"),
    ],
)
def test_map_and_description_must_agree(side, pixels, message, received):
    sides = {"prediction": GOOD, "truth": GOOD, side: {**GOOD, "map": np.array(pixels)}}
    with pytest.raises(DataError, match=message) as error:
        matched(sides["prediction"], sides["truth"])
    assert (error.value.received, error.value.where) == (received, f"{side}, sample 'a'")


def test_maps_that_differ_in_shape_are_an_error():
    with pytest.raises(DataError, match="differ in shape") as error:
        matched(GOOD, {**GOOD, "map": np.array([[1], [2]])})
    assert error.value.where == "sample 'a'"
