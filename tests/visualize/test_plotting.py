import sys

import cv2
import pytest

from densefit.errors import ConfigError
from densefit.visualize.plotting import (
    color,
    escape_math,
    is_available,
    legend_beside,
    line_style,
    log_scale_if_wide,
    new_figure,
    write_figure,
)


def test_thirty_curves_differ_in_colour_or_line():
    styles = {(color(index), line_style(index)) for index in range(30)}
    assert len(styles) == 30
    assert (color(30), line_style(30)) == (color(0), line_style(0))


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 31.0], "log"),
        ([1.0, 29.0], "linear"),
        ([0.0, 31.0], "linear"),
        ([float("nan"), 1.0, 40.0], "log"),
        ([], "linear"),
    ],
)
def test_the_axis_follows_the_span_of_the_values(values, scale):
    axes = new_figure(2, 2).subplots()
    axes.plot(range(len(values)), values)
    log_scale_if_wide(axes)
    assert axes.get_yscale() == scale


def test_one_value_near_zero_does_not_squash_a_logarithmic_axis():
    axes = new_figure(4, 3).subplots()
    axes.plot(range(4), [1e-9, 0.5, 2.0, 40.0])
    log_scale_if_wide(axes)
    low, high = axes.get_ylim()
    assert 40 / 2000 < low < 0.5
    assert high >= 40
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert {"0.1", "0.5", "1", "20"} <= set(labels)


def test_a_legend_without_curves_says_none():
    axes = new_figure(2, 2).subplots()
    legend_beside(axes, 0)
    assert [text.get_text() for text in axes.texts] == ["none"]
    assert axes.get_legend() is None


def test_dollar_signs_are_no_formulas(tmp_path):
    figure = new_figure(2, 2)
    figure.subplots().set_title(escape_math("a $ and a $"))
    write_figure(figure, tmp_path / "plot.png", dpi=50)
    assert (tmp_path / "plot.png").stat().st_size > 0
    with pytest.raises(ValueError, match="abc"):
        write_figure(figure, tmp_path / "plot.abc", dpi=50)


def test_a_figure_is_laid_out_once(tmp_path, monkeypatch):
    """A layout measures all ticks, which takes longer than to draw them."""
    figure = new_figure(2, 2)
    figure.subplots(2, 1, sharex=True)
    layout, laid_out = figure.get_layout_engine(), []
    inner = layout.execute
    monkeypatch.setattr(layout, "execute", lambda given: laid_out.append(inner(given)))
    for crops in (False, True):
        write_figure(figure, tmp_path / "plot.png", dpi=50, crops=crops)
    assert len(laid_out) == 1


def test_empty_margins_are_cut_off_where_that_is_wanted(tmp_path):
    shapes = []
    for crops in (False, True):
        figure = new_figure(4, 2)
        figure.subplots().set_aspect("equal")
        write_figure(figure, tmp_path / "plot.png", dpi=50, crops=crops)
        shapes.append(cv2.imread(str(tmp_path / "plot.png")).shape)
    assert shapes[0] == (100, 200, 3)
    assert shapes[1][1] < 150


def test_without_matplotlib_an_error_says_how_to_install_it(monkeypatch):
    assert is_available()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not is_available()
    with pytest.raises(ConfigError, match=r"pip install densefit\[plot\]"):
        new_figure(1, 1)
