from densefit.tools.page.detail_charts import detail_charts


def curves(count):
    lines = {f"class {index}": [[0.0, 1.0], [1.0, index / count]] for index in range(count)}
    return {"precision_recall": {"title": "PR", "x": "recall", "y": "precision", "lines": lines}}


def test_of_many_classes_the_best_and_the_worst_have_colors():
    (chart,) = detail_charts(curves(30), {})
    named = [drawn.line.name for drawn in chart.lines if drawn.line.color >= 0]
    assert named == [f"class {index}" for index in (29, 28, 27, 26, 3, 2, 1, 0)]
    assert chart.rest == 22


def test_shares_have_axes_from_0_to_1_and_notes():
    (chart,) = detail_charts(curves(2), {"class 1": "AP50 0.5"})
    assert [chart.x_ticks[0].text, chart.x_ticks[-1].text, chart.y_ticks[-1].text] == [
        "0",
        "1",
        "1",
    ]
    assert [drawn.line.note for drawn in chart.lines] == ["", "AP50 0.5"]


def test_a_curve_without_points_has_no_chart():
    empty = {"a": {"title": "t", "x": "x", "y": "y", "lines": {"cell": [[], []]}}}
    assert detail_charts(empty, {}) == []
