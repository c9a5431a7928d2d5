import csv
import sys
import warnings

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from densefit.errors import ConfigError
from densefit.metrics.core.detail import Curve, Curves, Matrix
from densefit.tools.report.plots import (
    plot_curves,
    plot_matrix,
    write_curves,
    write_matrix,
)
from densefit.visualize.plotting import is_available


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, which are written too."""
    figures = []
    save = Figure.savefig

    def saved(self, *args, **kwargs):
        figures.append(self)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", saved)
    return figures


def matrix(count, absent=None):
    counts = np.random.default_rng(0).integers(0, 5, (count, count)) + np.eye(count, dtype=int) * 90
    if absent is not None:
        counts[absent] = 0
    return Matrix([f"class {index}" for index in range(count)], counts.astype(np.int64), "pixels")


def curves(count, label="recall"):
    """Lines of rising precision by class."""
    x = np.linspace(0, 1, 101)
    lines = {f"c{index}": Curve(x, np.full(101, index / count), 1 - x) for index in range(count)}
    return Curves(label, "precision", lines, "a title")


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(("count", "numbered"), [(1, True), (3, True), (19, True), (80, False)])
def test_a_matrix_shows_shares_of_the_true_classes(tmp_path, drawn, count, numbered):
    given = matrix(count)
    plot_matrix(tmp_path / "m.png", given)
    assert cv2.imread(str(tmp_path / "m.png")).std() > 0
    axes = drawn[0].axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == given.names
    cells = {text.get_position(): float(text.get_text()) for text in axes.texts}
    assert bool(cells) == numbered
    for (column, row), share in cells.items():
        exact = 100 * given.counts[row, column] / given.counts[row].sum()
        assert share == pytest.approx(exact, abs=0.5)


def test_a_class_that_is_not_there_is_grey_and_has_no_numbers(tmp_path, drawn):
    plot_matrix(tmp_path / "all.png", matrix(3))
    plot_matrix(tmp_path / "part.png", matrix(3, absent=1))
    grey = [
        (cv2.imread(str(tmp_path / name)) == 204).all(axis=2) for name in ("all.png", "part.png")
    ]
    assert grey[1].sum() > 5000 > grey[0].sum()
    assert all(text.get_position()[1] != 1 for text in drawn[1].axes[0].texts)


def test_a_matrix_of_very_many_classes_stays_a_picture(tmp_path):
    plot_matrix(tmp_path / "m.png", matrix(400))
    assert max(cv2.imread(str(tmp_path / "m.png")).shape) < 3000


def test_a_matrix_without_any_pixel_is_drawn(tmp_path):
    plot_matrix(tmp_path / "m.png", Matrix(["a", "b"], np.zeros((2, 2), np.int64), "pixels"))
    assert (tmp_path / "m.png").exists()


def test_the_counts_are_written_exactly(tmp_path):
    big = Matrix(["a, b", 'c "d"'], np.array([[2**60 + 1, 0], [3, 4]]), "pixels")
    write_matrix(tmp_path / "m.csv", big)
    header, first, second = read(tmp_path / "m.csv")
    assert header[1:] == ["a, b", 'c "d"']
    assert first == ["a, b", str(2**60 + 1), "0"]
    assert second == ['c "d"', "3", "4"]


def test_few_curves_are_all_named_with_their_numbers(tmp_path, drawn):
    plot_curves(tmp_path / "c.png", curves(3), {"c0": 0.25, "c2": 0.75, "c1": float("nan")}, "AP50")
    assert cv2.imread(str(tmp_path / "c.png")).std() > 0
    assert legend(drawn[0]) == ["c0  0.250", "c1", "c2  0.750", "mean  0.500"]
    assert drawn[0].axes[0].get_legend().get_title().get_text() == "AP50"
    mean = drawn[0].axes[0].lines[-1]
    np.testing.assert_allclose(mean.get_ydata(), 1 / 3)


@pytest.mark.parametrize("known", [True, False])
def test_of_many_curves_the_best_and_the_worst_are_named(tmp_path, drawn, known):
    values = {f"c{index}": index / 80 for index in range(80)} if known else None
    plot_curves(tmp_path / "c.png", curves(80), values)
    named = [text.split()[0] for text in legend(drawn[0])]
    best, worst = ["c79", "c78", "c77", "c76", "c75"], ["c4", "c3", "c2", "c1", "c0"]
    assert named == [*best, "70", *worst, "mean"]


def test_a_class_that_was_never_found_counts_in_the_mean(tmp_path, drawn):
    given = curves(2)
    none = Curve(np.zeros(0), np.zeros(0), np.zeros(0))
    lines = {"found": given.lines["c1"], "missed": none, "absent": none}
    values = {"found": 0.5, "missed": 0.0, "absent": float("nan")}
    plot_curves(tmp_path / "c.png", Curves("recall", "precision", lines, ""), values)
    assert legend(drawn[0]) == ["found  0.500", "missed  0.000", "mean  0.250"]
    np.testing.assert_allclose(drawn[0].axes[0].lines[-1].get_ydata(), 0.25)


def test_the_mean_takes_the_best_precision_at_a_recall_or_beyond(tmp_path, drawn):
    saw = Curve(np.array([0.2, 0.2, 0.5]), np.array([1.0, 0.4, 0.6]))
    flat = Curve(np.array([1.0]), np.array([1.0]))
    plot_curves(tmp_path / "c.png", Curves("recall", "precision", {"a": saw, "b": flat}, ""))
    mean = drawn[0].axes[0].lines[-1].get_ydata()
    assert mean[[0, 20, 21, 50, 51, 100]] == pytest.approx([1.0, 1.0, 0.8, 0.8, 0.5, 0.5])


def test_other_curves_have_no_mean(tmp_path, drawn):
    plot_curves(tmp_path / "c.png", curves(2, "confidence"))
    assert legend(drawn[0]) == ["c0", "c1"]


def test_names_are_shown_whatever_they_are(tmp_path, drawn):
    odd = ["_hidden", "$x_1", "a name that is far too long for a legend"]
    lines = {name: curves(1).lines["c0"] for name in odd}
    plot_curves(tmp_path / "c.png", Curves("x", "y", lines, ""))
    hidden, formula, long = legend(drawn[0])
    assert (hidden, formula) == (" _hidden", r"\$x_1")
    assert len(long) == 24
    plot_matrix(tmp_path / "m.png", Matrix(odd, np.eye(3, dtype=np.int64), "pixels"))


def test_nothing_to_draw_is_said(tmp_path, drawn):
    plot_curves(tmp_path / "c.png", Curves("recall", "precision", {}, ""))
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["none"]


def test_points_are_written_up_to_a_thousand_of_a_line(tmp_path):
    x = np.arange(5000) / 7
    y = np.where(np.arange(5000) == 3, np.nan, x)
    lines = {"a": Curve(x, y, -x), "b": Curve(x[:2], y[:2])}
    write_curves(tmp_path / "c.csv", Curves("recall", "precision", lines, ""))
    header, *rows = read(tmp_path / "c.csv")
    assert header == ["line", "recall", "precision", "score"]
    first = np.array([row[1:] for row in rows if row[0] == "a"], float)
    assert len(first) == 1000
    np.testing.assert_array_equal(first[[0, -1], 0], x[[0, -1]])
    np.testing.assert_array_equal(first[:, 2], -first[:, 0])
    assert [row[3] for row in rows if row[0] == "b"] == ["", ""]


def test_without_matplotlib_that_is_said(tmp_path, monkeypatch):
    assert is_available()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not is_available()
    with pytest.raises(ConfigError, match="pip install densefit"):
        plot_matrix(tmp_path / "m.png", matrix(2))
