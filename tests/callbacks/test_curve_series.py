from math import nan

from densefit.callbacks.curve_series import History


def line(kind, update, **numbers):
    return {"kind": kind, "update": update, "epoch": 0, "seconds": 1.0, "lr": 0.1, **numbers}


LINES = [
    line("epoch", 1, **{"a/box_loss": 1.0, "a/loss": 3.0, "a/labelled": 8.0, "b/mae": 1.0}),
    line("validation", 1, **{"a/AP50": 0.5, "a/AP": 0.2, "a/AP/x": 0.1, "a/AP/y": 0.3}),
    line("validation", 2, **{"a/AP50": 0.4, "a/AP": 0.3, "a/AP/x": 0.2, "a/AP/y": 0.4}),
    line("validation", 3, **{"a/AP50": 0.4, "a/AP": nan, "composite": 0.5}),
]
for number, scored in enumerate(LINES[1:]):
    scored["b/rmse"] = 2.0 + number


def test_numbers_are_sorted_by_head_the_main_ones_first():
    history = History.of(LINES, ["a/AP", "b/rmse"], {})
    assert history.heads == ["a", "b", ""]
    assert history.losses == {"a": ["a/loss", "a/box_loss"], "b": ["b/mae"]}
    scores = {"a": ["a/AP", "a/AP50"], "b": ["b/rmse"], "": ["composite"]}
    assert history.scores == scores
    assert history.class_scores == {"a/AP": {"x": "a/AP/x", "y": "a/AP/y"}}
    assert History.of(LINES[:2], ["a/AP"], {}).class_scores == {}  # one validation is no curve


def test_the_best_is_that_of_the_declared_direction():
    history = History.of(LINES, [], {"a/AP": True, "b/rmse": False})
    assert history.best("a/AP") == (2, 0.3)
    assert history.best("b/rmse") == (1, 2.0)
    assert history.best("a/AP50") is None


def test_without_declared_main_scores_each_head_s_first_is_it():
    assert History.of(LINES, [], {}).scores["a"] == ["a/AP50", "a/AP"]
