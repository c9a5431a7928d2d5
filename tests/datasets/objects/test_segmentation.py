import numpy as np
import pytest
from pycocotools import mask as coco

from densefit.datasets.objects.masks import decode
from densefit.datasets.objects.segmentation import fault, faults
from densefit.errors import DataError

SIZE = (20, 30)


def random_runs(rng):
    edges = np.sort(rng.integers(0, 601, rng.integers(0, 40)))
    return np.diff(edges, prepend=0, append=600).tolist()


def test_what_is_whole_is_read_as_pycocotools_reads_it():
    rng = np.random.default_rng(0)
    for _ in range(200):
        runs = {"size": [20, 30], "counts": random_runs(rng)}
        packed = coco.frPyObjects(runs, *SIZE)
        text = {**packed, "counts": packed["counts"].decode()}
        expected = coco.decode(packed)
        for one in (runs, packed, text):
            assert fault(one, SIZE) == ""
            np.testing.assert_array_equal(decode(one, SIZE, "x"), expected)
        polygons = [rng.uniform(-9, 40, 2 * rng.integers(3, 9)).tolist() for _ in range(3)]
        assert fault(polygons, SIZE) == ""
        expected = coco.decode(coco.merge(coco.frPyObjects(polygons, *SIZE)))
        np.testing.assert_array_equal(decode(polygons, SIZE, "x"), expected)


def test_every_cut_or_changed_string_is_told_or_covers_the_picture():
    rng = np.random.default_rng(1)
    told = 0
    for _ in range(300):
        packed = coco.frPyObjects({"size": [20, 30], "counts": random_runs(rng)}, *SIZE)
        letters = bytearray(packed["counts"])
        place = int(rng.integers(len(letters)))
        if rng.random() < 0.5:
            del letters[place:]
        else:
            letters[place] = int(rng.integers(256))
        one = {"size": [20, 30], "counts": bytes(letters)}
        if fault(one, SIZE):
            told += 1
            with pytest.raises(DataError, match=r"not usable[\s\S]*annotation 3"):
                decode(one, SIZE, "annotation 3")
        else:
            # Memory that nobody wrote would be something else the second time.
            first, again = (decode(one, SIZE, "x") for _ in range(2))
            np.testing.assert_array_equal(first, again)
            assert first.sum() == coco.area(one)
    assert told > 200


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ([5, 6], "runs of 11 pixels in a picture of 600"),
        ([0, 10**12], "runs of 1000000000000 pixels"),
        ([10**400], "runs of"),
        ([-1, 601], "not whole numbers"),
        ([599.5, 0.5], "not whole numbers"),
        ([True] * 600, "not whole numbers"),
        ([[600]], "not whole numbers"),
        ([], "runs of 0 pixels"),
        ("5", "runs of 5 pixels"),
        ("", "broken string"),
        ("~~~", "broken string"),
        ("\u65e5", "neither a list nor a string"),
        (None, "neither a list nor a string"),
        (b"h", "broken string"),
    ],
)
def test_runs_that_do_not_fill_the_picture(counts, why):
    assert why in fault({"size": [20, 30], "counts": counts}, SIZE)


@pytest.mark.parametrize("x", [float("nan"), float("inf"), 1e12, -1e7, None, "a", [1], 10**400])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_corners_that_are_nowhere(x, place):
    polygon = [1, 1, 9, 1, 9, 9.5, 1, 9]
    polygon[place] = x
    assert "no number, or far away" in fault([[2, 2, 3, 3, 2, 3], polygon], SIZE)


def test_an_outline_that_never_ends():
    assert fault([[-900_000, 0, 900_000, 5, 0, 9]], SIZE) == ""
    assert "longer than" in fault([[-900_000, 0, 900_000, 5] * 3], SIZE)


def test_many_are_asked_together(monkeypatch):
    monkeypatch.setattr("densefit.datasets.objects.segmentation._AT_ONCE", 2)
    packed = coco.frPyObjects({"size": [20, 30], "counts": [5, 595]}, *SIZE)["counts"]
    good, bad = [1, 1, 9, 1, 9, 9], [1, 1, 9, 1, 9, float("nan")]
    many = [{"size": [20, 30], "counts": one} for one in (packed, "5", packed.decode())]
    many += [[good, good, good], [good, bad], [bad, good, [1]], [good], [[5] * 6, [None] * 6]]
    wrong = faults([*many, many[0]], [SIZE] * len(many) + [(5, 5)])
    assert list(sorted(wrong)) == [1, 4, 5, 7, 8]
