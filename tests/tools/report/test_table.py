import math

import pytest

from densefit.tools.report.table import print_scores

SCORES = {
    "a": {"mIoU": 0.5, "tiny": 0.00001, "IoU/cat": 0.25, "IoU/dog/big": math.nan, "acc/cat": 1.0},
    "b": {"APl": math.nan},
}


def lines_of(text):
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines()]


def test_classes_have_lines_of_their_own(capsys):
    print_scores(SCORES, "x on 3 samples")
    shown = capsys.readouterr().out
    assert shown.startswith("x on 3 samples\na\n")
    assert "a, by class" in shown
    assert "- is undefined, and in no mean" in shown
    lines = lines_of(shown)
    for line in (["mIoU", "0.5000"], ["tiny", "1.0e-05"], ["APl", "-"]):
        assert line in lines
    assert ["cat", "0.2500", "1.0000"] in lines
    assert ["dog/big", "-", "-"] in lines


def test_without_heads_there_is_no_name_to_show(capsys):
    print_scores({"": {"AP": 0.5, "AP/cat": 0.5}}, "results.json")
    shown = capsys.readouterr().out
    assert shown.startswith("results.json\n┏")
    assert "\nby class\n" in shown
    assert "undefined" not in shown


def test_a_count_of_classes_is_no_score(capsys):
    numbers = {"mIoU": 0.5, "absent_classes": 2.0, **{f"IoU/{k}": 0.5 for k in range(5)}}
    print_scores({"seg": numbers}, "x")
    shown = capsys.readouterr().out
    assert "absent_classes" not in shown
    assert "\n2 of 5 classes are neither in the truth nor predicted, and in no mean\n" in shown
    for absent in (0.0, math.nan):
        print_scores({"seg": {**numbers, "absent_classes": absent}}, "x")
        assert "neither" not in capsys.readouterr().out


def test_of_many_classes_the_lowest_and_highest_are_printed(capsys):
    values = [k / 300 for k in range(255)]
    numbers = {f"IoU/class {k:03d}": values[k * 7 % 255] for k in range(255)}
    numbers["IoU/class 000"] = math.nan  # the lowest
    numbers.update({f"Dice/class {k:03d}": 0.5 for k in range(255)})
    print_scores({"seg": {"mIoU": 0.5, **numbers}}, "x")
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 45
    assert "seg, by class: 30 of 255, the lowest and the highest IoU" in " ".join(shown.split())
    printed = [line[1] for line in lines_of(shown) if line and line[0].startswith("class ")]
    ious = sorted(numbers[f"IoU/class {k:03d}"] for k in range(1, 255))
    assert printed == [f"{value:.4f}" for value in [*ious[:20], *ious[-10:]]]


def test_intervals_are_a_column(capsys):
    print_scores(SCORES, "x", {"a": {"mIoU": (0.4, 0.625)}, "b": {"APl": (math.nan,) * 2}})
    lines = lines_of(capsys.readouterr().out)
    assert ["mIoU", "0.5000", "0.4000 to 0.6250"] in lines
    assert ["tiny", "1.0e-05", "-"] in lines
    assert ["APl", "-", "-"] in lines


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_columns_that_do_not_fit_come_below(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    numbers = {f"number{index}/traffic light": index / 10 for index in range(10)}
    print_scores({"a": numbers}, "x")
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    for index in range(10):
        assert f"number{index} " in shown
        assert f"{index / 10:.4f}" in shown
    assert (shown.count("a, by class") == 1) == (columns == 200)


def test_names_are_shown_as_they_are(capsys):
    print_scores({"a": {"IoU/[red]": 0.5, "IoU/:cat:": 0.5}}, "[bold]")
    shown = capsys.readouterr().out
    for name in ("[red]", ":cat:", "[bold]"):
        assert name in shown
