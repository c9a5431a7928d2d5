import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from densefit.errors import DataError
from densefit.metrics.coco.groups import groups
from densefit.metrics.coco.rle import compressed, dicts, overlaps, whole


def texts(arrays):
    found = coco.encode(np.asfortranarray(np.stack(arrays, axis=2), np.uint8))
    return [rle["counts"].decode() for rle in found]


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1 << 32),
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    share=st.sampled_from([0.0, 0.001, 0.5, 0.999, 1.0]),
)
def test_what_pycocotools_writes_is_whole_and_what_breaks_off_is_not(seed, size, share):
    r = np.random.default_rng(seed)
    found = texts([r.random(size) < share for _ in range(3)])
    pixels = np.full(3, size[0] * size[1])
    assert whole(found, pixels).all()
    assert not whole(found, pixels + 1).any()
    cut = [text[: r.integers(0, len(text))] for text in found]
    mixed = [cut[0], found[1], cut[2]]
    assert whole(mixed, pixels).tolist() == [False, True, False]


@pytest.mark.parametrize(
    "broken",
    ["", "P", "o", "oooooooooo1", "5\x7f", "5 ", "9O11"],
    ids=["nothing", "digit open", "negative", "too long", "letter", "space", "sum"],
)
def test_what_is_broken_is_seen(broken):
    assert whole([broken, "4"], np.array([9, 4])).tolist() == [False, True]


def test_a_negative_run_does_not_hide_in_the_sum():
    # 8, -3, 4 pixels: the sum is 9.
    assert not whole(["8M4"], np.array([9])).any()


def test_nothing():
    assert whole([], np.zeros(0, int)).shape == (0,)
    counts, sizes = compressed([], "here")
    assert (counts, sizes.shape) == ([], (0, 2))
    assert compressed(np.zeros((0, 4, 5), bool), "here")[1].shape == (0, 2)


def test_all_forms_are_the_same():
    r = np.random.default_rng(0)
    array = r.random((4, 9, 7)) < 0.5
    expected = texts(array)
    runs = []
    for one in array:
        flat = one.T.ravel()
        cuts = np.flatnonzero(np.diff(flat)) + 1
        lengths = np.diff(np.concatenate([[0], cuts, [63]])).tolist()
        runs.append({"size": (9, 7), "counts": [0, *lengths] if flat[0] else lengths})
    text = [{"size": [9, 7], "counts": each} for each in expected]
    raw = [{"size": [9, 7], "counts": each.encode()} for each in expected]
    for form in (array, array * np.uint8(255), array * 0.5, runs, text, raw):
        counts, sizes = compressed(form, "here")
        assert counts == expected
        assert sizes.tolist() == [[9, 7]] * 4


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((3, 3)), r"\(n, H, W\)"),
        ([[[0, 0, 4, 4, 0, 4]]], "no run lengths"),
        ([{"size": [3, 3]}], "no run lengths"),
        ([{"size": [3], "counts": "9"}], "no run lengths"),
        ([{"size": [3, 3], "counts": [10, -1]}], "no run lengths"),
        ([{"size": [3, 3], "counts": []}], "no run lengths"),
        ([{"size": [3, 3], "counts": "é"}], "no run lengths"),
        ([{"size": [3, 3], "counts": None}], "no run lengths"),
        ([{"size": [0, 3], "counts": "0"}], "no pixels"),
        ([{"size": [3, 3], "counts": [4, 4]}], "do not fill"),
        ([{"size": [3, 3], "counts": b"8"}], "do not fill"),
    ],
)
def test_what_is_wrong_is_told(masks, message):
    with pytest.raises(DataError, match=message) as error:
        compressed(masks, "truth of 'x'")
    assert "truth of 'x'" in str(error.value)


def columns(r, images, count, crowd=False):
    """Rectangles and specks on (20, 30), with all that `overlaps` asks for."""
    masks = []
    for _ in range(count):
        one = r.random((20, 30)) < r.choice([0.0, 0.01])
        y, x = r.integers(0, [15, 20])
        one[y : y + r.integers(0, 12), x : x + r.integers(0, 12)] = True
        masks.append(one)
    found = {
        "image": np.sort(r.integers(0, images, count)),
        "classes": r.integers(0, 2, count),
        "counts": np.array(texts(masks), object),
        "size": np.tile([20, 30], (count, 1)),
        "crowd": r.random(count) < 0.3,
    }
    found["bbox"] = np.array(coco.toBbox(dicts(found)))
    found["pixels"] = np.array(coco.area(dicts(found)), np.int64)
    return found, np.array(masks)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 1 << 32), st.sampled_from([0.0, 0.2, 0.5]))
def test_overlaps_are_those_of_all_pixels(seed, least):
    r = np.random.default_rng(seed)
    found, found_masks = columns(r, 4, 20)
    truth, true_masks = columns(r, 4, 12)
    sides = groups(found["image"], found["classes"], truth["image"], truth["classes"])
    rows = np.repeat(sides.rows, sides.count)
    truths = np.concatenate(
        [sides.truths[a : a + n] for a, n in zip(sides.first, sides.count)] or [sides.rows]
    )
    values = overlaps(found, truth, rows, truths, least)
    for row, other, value in zip(rows, truths, values):
        common = (found_masks[row] & true_masks[other]).sum()
        union = (found_masks[row] | true_masks[other]).sum()
        whole_ = found_masks[row].sum() if truth["crowd"][other] else union
        expected = common / whole_ if common else 0.0
        assert value == expected or (value == 0 and expected < least)
