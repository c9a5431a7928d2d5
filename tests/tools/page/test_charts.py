import pytest

from densefit.tools.page.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, chart


def test_corners_of_the_range_are_corners_of_the_drawing():
    drawn = chart("t", "x", "y", [Line("a", [0, 10], [0.0, 1.0])], (0, 10), (0, 1))
    assert drawn.lines[0].path == f"M{LEFT:g} {HEIGHT - BOTTOM:g}L{WIDTH - RIGHT:g} {TOP:g}"
    assert [tick.text for tick in drawn.x_ticks] == ["0", "2", "4", "6", "8", "10"]


def test_a_gap_lifts_the_pen():
    nan = float("nan")
    drawn = chart("t", "x", "y", [Line("a", [0, 1, 2, 3], [1.0, None, nan, 2.0])])
    assert drawn.lines[0].path.count("M") == 2
    assert len(drawn.lines[0].marks) == 2


def test_losses_over_decades_have_a_logarithmic_axis():
    line = Line("loss", [0, 1, 2], [100.0, 10.0, 1.0])
    linear, log = (chart("t", "x", "y", [line], may_be_log=flag) for flag in (False, True))
    assert [tick.text for tick in log.y_ticks if tick.text in ("1", "10", "100")]
    first, middle, last = (mark.y for mark in log.lines[0].marks)
    assert middle - first == pytest.approx(last - middle, abs=0.2)
    assert linear.lines[0].marks[1].y > middle


def test_one_point_and_equal_values_have_a_range():
    assert chart("t", "x", "y", [Line("a", [5], [3.0])]).lines[0].path.startswith("M")
    assert chart("t", "x", "y", [Line("a", [1, 2], [0.0, 0.0])]).y_ticks


def test_no_point_no_chart():
    assert chart("t", "x", "y", [Line("a", [], []), Line("b", [1], [None])]) is None


def test_the_summary_says_where_lines_begin_and_end():
    drawn = chart("Loss", "update", "loss", [Line("total", [1, 50], [4.0, 0.25])])
    assert drawn.summary == "Loss over update. total from 4 at 1 to 0.25 at 50."
