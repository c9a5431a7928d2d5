"""Tables that have room on any terminal."""

import io

import pytest
from rich.console import Console

from densefit.tools.report.wide_table import print_rows, split_columns


def printed(rows, width, title="numbers"):
    file = io.StringIO()
    print_rows(Console(file=file, width=width, soft_wrap=True), title, rows)
    return file.getvalue()


def cells(text):
    """Texts of each row that is printed, lines of a cell one by one."""
    lines = [line.replace("┃", "│") for line in text.splitlines() if line[0] in "│┃"]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]


def test_columns_are_dealt_out_in_order():
    assert split_columns(10, [], 80) == []
    assert split_columns(10, [20, 20, 20], 70) == [[0, 1, 2]]
    assert split_columns(10, [20, 20, 20], 69) == [[0, 1], [2]]
    assert split_columns(10, [5, 90, 5, 5], 80) == [[0], [1], [2, 3]]  # too wide: alone
    assert split_columns(100, [5, 5], 80) == [[0], [1]]


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("columns", [1, 3, 7, 12])
@pytest.mark.parametrize("name", ["equal", "a_method_whose_name_is_longer_than_others"])
def test_nothing_is_lost_and_nothing_sticks_out(width, columns, name):
    head = [f"streets/depth_{n}/abs_rel (low)" for n in range(columns)]
    values = [f"0.{n:04d} +- 0.0100" for n in range(columns)]
    shown = printed([["network", *head], ["alone", *values], [name, *values]], width)
    assert max(map(len, shown.splitlines())) <= width
    for text in values:
        assert shown.count(text) == 2  # unbroken, in both rows
    for n in range(columns):
        assert f"depth_{n}/" in shown
    assert shown.startswith("numbers\n")
    assert shown.count("numbers") == 1


def test_where_there_is_room_names_stay_whole():
    rows = [["network", "a/b (high)"], ["x" * 40, "1"]]
    assert cells(printed(rows, 80)) == [["network", "a/b (high)"], ["x" * 40, "1"]]
    narrow = cells(printed(rows, 45))
    assert ["x" * 24, "1"] in narrow
    assert ["x" * 16, ""] in narrow
    assert [row[1] for row in narrow[:3]] == ["a/", "b", "(high)"]


def test_texts_are_shown_as_they_are():
    assert ["[red]", ":cat:"] in cells(printed([["network", "n"], ["[red]", ":cat:"]], 80))
