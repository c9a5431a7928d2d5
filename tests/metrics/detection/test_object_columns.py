import numpy as np
import pytest

from densefit.errors import DataError
from densefit.metrics.detection.object_columns import (
    check_sides,
    check_values,
    column_of,
    drop_unknown_classes,
    join,
    numbers,
    require,
    shaped,
)

PLACES = ["truth of 'a'", "truth of 'b'"]


def joined(**second):
    images = [{"classes": np.array([0, 1]), "scores": np.array([0.5, 0.25])}]
    images.append({"classes": np.array([2]), "scores": np.array([1.0]), **second})
    return join(images)


def test_joined_columns_know_their_image():
    columns = joined()
    assert columns["image"].tolist() == [0, 0, 1]
    assert columns["classes"].tolist() == [0, 1, 2]
    check_values(columns, 3, "box", PLACES)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"classes": np.array([3])}, "expected: 0 to 2\n  received: 3"),
        ({"classes": np.array([-1])}, "received: -1"),
        ({"classes": np.array([1.5])}, "received: 1.5"),
        ({"scores": np.array([np.inf])}, "The scores are not all finite"),
    ],
)
def test_wrong_values_name_the_image(second, message):
    with pytest.raises(DataError) as error:
        check_values(joined(**second), 3, "box", PLACES)
    assert message in str(error.value)
    assert "truth of 'b'" in str(error.value)


def test_negative_sides_name_the_image():
    columns = joined()
    check_sides(np.zeros((3, 2)), columns, PLACES)
    with pytest.raises(DataError, match="truth of 'b'"):
        check_sides(np.array([[1.0, 1], [0, 0], [2, -1]]), columns, PLACES)


@pytest.mark.parametrize("part", [None, [1, 2], {}, {"scores": [1]}, "boxes"])
def test_what_is_lacking(part):
    with pytest.raises(DataError, match="A prediction lacks boxes"):
        require(part, ("boxes",), "prediction", "here")


@pytest.mark.parametrize("values", ["text", ["a"], [None, {}], [[1], [1, 2]]])
def test_what_is_no_number(values):
    with pytest.raises(DataError, match="scores are not numbers"):
        numbers(values, "scores", "here")


def test_classes_keep_their_type():
    assert numbers(np.array([1, 2], np.int32), "classes", "here", None).dtype == np.int32
    with pytest.raises(DataError, match="classes are not numbers"):
        numbers(["cat"], "classes", "here", None)


def test_shapes():
    assert shaped([], (4,), "boxes", "here").shape == (0, 4)
    assert shaped([[1, 2, 3, 4]], (4,), "boxes", "here").dtype == np.float64
    for wrong in ([1, 2, 3, 4], [[1, 2, 3]], [[[1, 2, 3, 4]]]):
        with pytest.raises(DataError, match=r"expected: \(n, 4\)"):
            shaped(wrong, (4,), "boxes", "here")
    with pytest.raises(DataError, match="scores does not have one entry for each box"):
        column_of({"scores": [[1.0]]}, "scores", 1, "box", "here")


def test_rows_of_classes_that_an_image_does_not_know_are_left_out():
    columns = joined()
    assert drop_unknown_classes(columns, [None, None]) is columns
    kept = drop_unknown_classes(columns, [np.array([False, True, False]), None])
    assert kept["classes"].tolist() == [1, 2]
    assert kept["scores"].tolist() == [0.25, 1.0]
    assert kept["image"].tolist() == [0, 1]
    none = drop_unknown_classes(columns, [np.zeros(3, bool), np.zeros(3, bool)])
    assert {name: len(column) for name, column in none.items()} == dict.fromkeys(columns, 0)
