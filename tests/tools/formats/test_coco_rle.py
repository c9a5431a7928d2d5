from pathlib import Path

import pytest
from pycocotools import mask as coco

from densefit.errors import DataError
from densefit.tools.formats.coco_rle import run_lengths
from densefit.tools.formats.json_records import Records

SQUARE = [1, 1, 4, 1, 4, 4, 1, 4]


def convert(*values, size=(6, 8)):
    records = Records([{"segmentation": value} for value in values], Path("a.json"), "annotations")
    return run_lengths(records, [size] * len(values))


def test_a_negative_run_that_the_sum_hides_is_told_of_its_record():
    good = {"size": [3, 3], "counts": "9"}
    with pytest.raises(DataError, match=r"(?s)a broken string.*annotations\[1\]"):
        convert(good, {"size": [3, 3], "counts": "8M4"}, size=(3, 3))  # 8, -3 and 4 pixels


def test_every_kind_is_what_pycocotools_makes_of_it():
    polygons = [SQUARE, [5.5, 0, 8.2, 0.3, 7, 5.9]]
    listed = {"size": [6, 8], "counts": [3, 2, 43]}
    merged = coco.merge(coco.frPyObjects(polygons, 6, 8))
    packed = coco.frPyObjects(listed, 6, 8)
    text = {"size": [6, 8], "counts": packed["counts"].decode()}
    assert convert(polygons, listed, text) == [merged, packed, packed]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "has no segmentation"),
        ([], "has no segmentation"),
        ([SQUARE, [1, 1, 4, 4]], "polygon"),
        ([[1, 1, 4, 1, 4]], "polygon"),
        ([SQUARE[:-1] + [float("nan")]], "polygon"),
        ([SQUARE[:-1] + ["4"]], "polygon"),
        ([SQUARE[:-1] + [1e12]], "polygon"),
        (SQUARE, "polygon"),
        ("523", "unknown form"),
        ({"counts": "523"}, "unknown form"),
        ({"size": [8, 6], "counts": [48]}, r"size[\s\S]*\[6, 8\][\s\S]*\[8, 6\]"),
        ({"size": [6, 8], "counts": [40, 9]}, "48 pixels[\\s\\S]*49 pixels"),
        ({"size": [6, 8], "counts": [50, -2]}, "whole numbers"),
        ({"size": [6, 8], "counts": [40.0, 8]}, "whole numbers"),
        ({"size": [6, 8], "counts": "523"}, "48 pixels[\\s\\S]*10 pixels"),
        ({"size": [6, 8], "counts": "5o"}, "broken string"),
        ({"size": [6, 8], "counts": 48}, "neither"),
        ({"size": [6, 8], "counts": "\u00e9"}, "neither"),
    ],
)
def test_what_is_wrong_is_told_with_its_record(value, said):
    with pytest.raises(DataError, match=said) as caught:
        convert([SQUARE], value)
    assert caught.value.where == "a.json, annotations[1]"


def test_an_outline_that_never_ends_is_told():
    endless = [[-90_000, 0, 90_000, 5] * 30]
    with pytest.raises(DataError, match=r"longer than[\s\S]*annotations\[1\]"):
        convert([SQUARE], endless)
