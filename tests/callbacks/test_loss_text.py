from math import nan

from densefit.callbacks.loss_text import loss_text


def test_a_loss_by_head():
    assert loss_text({}) == ""
    assert loss_text({"loss": 1.0, "a/b": nan, "a/b/c/d": 1.0}) == "loss 1, a b nan"
    numbers = {"cells/loss": 0.5, "cells/box_loss": 0.25, "cells/IoU/cat": 0.5}
    assert loss_text(numbers, ["cells"]) == "loss 0.5"
    assert loss_text(numbers, ["cells"], with_parts=True) == "loss 0.5 (box 0.25)"


def test_counts_and_weights_are_no_losses():
    numbers = {"a/loss": 1.0, "a/labelled": 8.0, "a/loss_weight": 0.5, "b/mae": 2.0, "b/mse": 4.0}
    assert loss_text(numbers) == "a loss 1, b mae 2, b mse 4"
