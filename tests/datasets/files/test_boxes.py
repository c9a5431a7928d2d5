import logging

import numpy as np
import pytest

from densefit.datasets.files.boxes import BoxCheck, box_targets, check_size, clip_box
from densefit.errors import ConfigError, DataError


def test_dropped_boxes_are_counted_and_reported_once(caplog):
    check = BoxCheck("drop")
    check.report("data")
    check.reject("has no area", [1, 2, 1, 2], "a.xml")
    check.reject("has no area", [3, 2, 1, 2], "b.xml")
    with caplog.at_level(logging.WARNING, logger="densefit"):
        check.report("data")
    assert check.dropped == 2
    (record,) = caplog.records
    assert record.getMessage() == (
        "data: 2 bad boxes were dropped, the first: [1, 2, 1, 2] of a.xml, which has no area"
    )


def test_or_they_are_errors():
    with pytest.raises(DataError, match=r"has no area[\s\S]*\[1, 2, 1, 2\][\s\S]*a\.xml"):
        BoxCheck("raise").reject("has no area", [1, 2, 1, 2], "a.xml")
    with pytest.raises(ConfigError, match="'keep'"):
        BoxCheck("keep")


def test_clip_and_arrays():
    assert clip_box((-1, 2, 70, 50), 40, 60) == (0, 2, 60, 40)
    none = box_targets([], [], [], [], [])
    assert none["boxes"].shape == (0, 4)
    dtypes = {"boxes": "f4", "classes": "i8", "difficult": "?", "crowd": "?", "area": "f4"}
    assert {name: value.dtype for name, value in none.items()} == {
        name: np.dtype(kind) for name, kind in dtypes.items()
    }


def test_sizes():
    check_size((4, 6), (4, 6), "a.jpg", "a.xml")
    with pytest.raises(DataError, match=r"a\.jpg[\s\S]*a\.xml[\s\S]*exif=False"):
        check_size((4, 6), (6, 4), "a.jpg", "a.xml")
    with pytest.raises(DataError, match="do not belong together"):
        check_size((4, 6), (4, 7), "a.jpg", "a.xml")


def test_boxes_that_are_cut_to_little_are_counted_and_stay(caplog):
    check = BoxCheck("raise")
    for box in (
        (-2, 0, 1, 9),
        (0, 0, 60, 40),
        (-20, -10, 60, 40),
        (9, 9, 500, 400),
        (9, 9, 900, 40),
    ):
        check.note_cut(box, clip_box(box, 40, 60), (40, 60), "a.xml")
    check.report("data")
    assert (check.cut, check.dropped, check.outside) == (2, 0, 3)
    (record,) = caplog.records
    assert record.getMessage().startswith("data: 2 boxes lose more than half of their area")
    assert "[9, 9, 500, 400] of a.xml, a picture 60 pixels wide and 40 high" in record.getMessage()


def test_boxes_in_parts_of_the_picture_are_counted_where_they_reach_out(caplog):
    check = BoxCheck("raise")
    for box in ((-0.04, 0.0, 0.5, 1.0), (0.5, 0.2, 0.9, 1.1), (0.9, 0.1, 1.3, 0.2)):
        check.note_cut(box, clip_box(box, 1, 1), (1, 1), "a.txt")
    check.report("parts")
    assert (check.cut, check.outside) == (1, 2)
    assert "[0.9, 0.1, 1.3, 0.2] of a.txt, in parts of the picture" in caplog.text
