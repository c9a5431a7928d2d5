from math import isnan, nan

import pytest

from densefit.callbacks.score_board import ScoreBoard, main_of, table, worst_classes

HIGH = {"a/mIoU": True, "b/rmse": False, "c/count": None}


def test_a_score_is_compared_with_the_last_and_the_best():
    board = ScoreBoard()
    values = [0.5, 0.7, 0.6, nan, 0.8]
    seen = [board.add({"a/mIoU": value}, ["a/mIoU"], HIGH) for value in values]
    assert [[row.is_best for row in rows] for rows in seen] == [[True], [True], [False], [], [True]]
    assert isnan(seen[0][0].since_last)
    assert isnan(seen[0][0].best)
    assert seen[2][0].since_last == pytest.approx(-0.1)
    assert seen[2][0].best == 0.7
    assert seen[4][0].since_last == pytest.approx(0.2)  # since the last one that is defined


@pytest.mark.parametrize(
    ("key", "second", "is_better"), [("b/rmse", 0.4, True), ("b/rmse", 0.6, False)]
)
def test_errors_are_better_when_they_are_lower(key, second, is_better):
    board = ScoreBoard()
    board.add({key: 0.5}, [key], HIGH)
    (row,) = board.add({key: second}, [key], HIGH)
    assert (row.is_best, row.is_better) == (is_better, is_better)


def test_without_a_direction_nothing_is_the_best():
    board = ScoreBoard()
    board.add({"c/count": 0.5}, ["c/count"], HIGH)
    (row,) = board.add({"c/count": 0.9}, ["c/count"], HIGH)
    assert (row.is_best, row.is_better) == (False, None)
    assert isnan(row.best)


def test_an_equal_score_is_no_new_best():
    board = ScoreBoard()
    board.add({"a/mIoU": 0.5}, ["a/mIoU"], HIGH)
    (row,) = board.add({"a/mIoU": 0.5}, ["a/mIoU"], HIGH)
    assert not row.is_best
    assert "+0.0000 to the best" in table([row], {}, HIGH)[0].plain


def test_it_goes_on_after_a_resume():
    board, again = ScoreBoard(), ScoreBoard()
    board.add({"a/mIoU": 0.5}, ["a/mIoU"], HIGH)
    again.load_state_dict(board.state_dict())
    (row,) = again.add({"a/mIoU": 0.6}, ["a/mIoU"], HIGH)
    assert (row.since_last, row.best) == (pytest.approx(0.1), 0.5)


def test_scores_of_fewer_samples_are_not_compared():
    board = ScoreBoard()
    board.add({"a/mIoU": 0.5}, ["a/mIoU"], HIGH)
    lacking = {"a/mIoU": 0.9, "samples/scored": 3.0, "samples/unreadable": 1.0}
    (row,) = board.add(lacking, ["a/mIoU"], HIGH)
    assert isnan(row.since_last)


def test_the_worst_classes():
    scores = {"a/mIoU": 0.4, "a/IoU/x": 0.3, "a/IoU/y": 0.1, "a/IoU/z": nan, "a/IoU/v": 0.5}
    assert worst_classes(scores, "a/mIoU", True, 2) == [("y", 0.1), ("x", 0.3)]
    assert worst_classes(scores, "a/mIoU", None) == []
    errors = {"b/rmse": 1.0, "b/rmse/x": 0.3, "b/rmse/y": 0.1}
    assert worst_classes(errors, "b/rmse", False, 1) == [("x", 0.3)]
    of_data = {"d/a/AP": 0.4, "d/a/AP/x": 0.3, "d/a/AP50/x": 0.2}
    assert worst_classes(of_data, "d/a/AP", True) == [("x", 0.3)]


def test_a_table_names_main_scores_then_others_then_the_worst_classes():
    scores = {"a/mIoU": 0.4, "a/kappa": 0.5, "a/nan": nan, "a/IoU/x": 0.3, "a/IoU/y": 0.1}
    scores |= {f"a/n{index}": 1.0 for index in range(9)}
    rows = ScoreBoard().add(scores, ["a/mIoU"], HIGH)
    lines = [line.plain for line in table(rows, scores, HIGH)]
    assert lines == [
        "  a/mIoU    0.4000  * the best so far",
        "  also kappa 0.5000, n0 1.0000, n1 1.0000, n2 1.0000, n3 1.0000, 5 more",
        "  worst classes: y 0.1000, x 0.3000",
    ]


def test_main_scores_are_declared_or_the_first_of_each_head():
    scores = {"x/boxes/AP": 0.1, "x/boxes/AP50": 0.2, "x/boxes/AP/cat": 0.1, "composite": 0.3}
    assert main_of(scores, ["composite", "gone"], ["boxes"]) == ["composite"]
    assert main_of(scores, [], ["boxes"]) == ["x/boxes/AP", "composite"]
