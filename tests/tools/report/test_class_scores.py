import math
import re

import pytest
from rich.console import Console

from densefit.tools.report.class_scores import ClassScores, print_class_scores

WIDE = {
    "images": 123_456,
    "objects": 1_234_567,
    **dict.fromkeys(("precision", "recall", "threshold", "AP50", "AP"), 0.12345),
}


def lines_of(capsys, scores, width=80):
    print_class_scores(Console(width=width, soft_wrap=True), "boxes", scores)
    return capsys.readouterr().out.splitlines()


def test_all_columns_of_boxes_fit_a_line_of_80(capsys):
    scores = ClassScores({"person": WIDE, "dining table": WIDE, "fox": {}}, "AP", "a note")
    lines = lines_of(capsys, scores)
    assert max(map(len, lines)) <= 80
    assert lines[0] == "boxes, by class"
    assert re.split(" +", lines[1]) == ["class", *WIDE]
    assert re.split(" +", lines[3]) == [
        *("person", "123,456", "1,234,567", *["0.1235"] * 5),
    ]
    assert re.split(" +", lines[5]) == ["fox", *["-"] * 7]
    assert lines[6:] == ["a note", "- is undefined, and in no mean"]


def test_of_many_classes_the_lowest_and_the_highest_are_printed(capsys):
    rows = {f"c{index}": {"images": index, "AP": index / 100} for index in range(50)}
    lines = lines_of(capsys, ClassScores(rows, "AP"))
    assert lines[0] == "boxes, by class: 30 of 50, the lowest and the highest AP"
    assert [line.split()[0] for line in lines[3:]] == [
        f"c{index}" for index in (*range(20), *range(40, 50))
    ]


def test_undefined_numbers_are_null_in_json():
    confusion = {"names": ["a"], "counts": [[1]], "what": "images"}
    scores = ClassScores({"a": {"images": 1, "AP": math.nan}}, "AP", confusion=confusion)
    assert scores.values() == {
        "classes": {"a": {"images": 1, "AP": None}},
        "confusion": confusion,
    }


@pytest.mark.parametrize("width", [60, 100])
def test_a_confusion_matrix_follows(capsys, width):
    confusion = {"names": ["a", "b"], "counts": [[3, 1], [0, 2]], "what": "images"}
    lines = lines_of(capsys, ClassScores({"a": {"n": 1}}, "n", confusion=confusion), width)
    assert lines[-3:] == ["    1 2", "1 a 3 1", "2 b . 2"]
