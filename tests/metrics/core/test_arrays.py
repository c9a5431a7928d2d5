import numpy as np
import pytest

from densefit.errors import DataError
from densefit.metrics.core.arrays import (
    check_equally_many,
    counted,
    first_row,
    integers,
    labels_of,
    rows,
)
from tests.executor import engine_array

IDS = ["a", "b", "c"]


def test_rows_takes_arrays_lists_and_ndarrays():
    expected = np.arange(6, dtype=np.float32).reshape(3, 2)
    for given in (expected, list(expected), expected.tolist(), engine_array(expected)):
        np.testing.assert_array_equal(rows(given, "predictions", IDS), expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 2)), r"shape \(2, 2\)"),
        (np.float32(1), r"shape \(\)"),
        (["x", "y", "z"], "not numbers"),
        ([{}, {}, {}], "dict"),
    ],
)
def test_rows_says_what_came(given, message):
    with pytest.raises(DataError, match=message):
        rows(given, "predictions", IDS)


@pytest.mark.filterwarnings("ignore")  # numpy before 1.24 only warns of ragged lists
def test_rows_of_different_shapes():
    with pytest.raises(DataError, match=r"\(2,\), \(3,\)"):
        rows([np.zeros(2), np.zeros(3), np.zeros(2)], "predictions", IDS)


def test_integers():
    assert integers(np.uint8([1, 2, 3]), "targets", IDS).dtype == np.uint8
    assert integers(np.array([True, False, True]), "targets", IDS).tolist() == [1, 0, 1]
    assert integers(np.float32([1, -1, 255]), "targets", IDS).tolist() == [1, -1, 255]


@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf])
def test_integers_names_the_sample(bad):
    with pytest.raises(DataError, match="sample 'b'"):
        integers(np.array([1.0, bad, 2.0]), "targets", IDS)


def test_labels_of_wants_the_exact_shape():
    assert labels_of(np.zeros((3, 1)), (3,), IDS).shape == (3,)
    assert labels_of(np.zeros((3, 1, 2, 2)), (3, 2, 2), IDS).shape == (3, 2, 2)
    with pytest.raises(DataError, match=r"\(3, 2\)"):
        labels_of(np.zeros((3, 2)), (3,), IDS)


def test_counted():
    assert counted(np.array([0, 1, 2]), 3, None, IDS) is None
    assert counted(np.array([0, 9, 2]), 3, 9, IDS).tolist() == [True, False, True]
    assert counted(np.array([0, -1, 2]), None, -1, IDS).tolist() == [True, False, True]
    assert counted(np.zeros((0,), int), 3, 9, []) is None
    with pytest.raises(DataError, match="sample 'b'") as error:
        counted(np.array([255, 3, 255]), 3, 255, IDS)
    assert "0 to 2, or 255 (ignored)" in str(error.value)
    with pytest.raises(DataError, match="-1"):
        counted(np.array([0, 1, -1]), None, None, IDS)


def test_first_row():
    wrong = np.zeros((3, 2, 2), bool)
    wrong[1, 1, 0] = True
    assert first_row(wrong) == 1


def test_there_is_one_of_each_for_each_id():
    check_equally_many([1, 2], [3, 4], ["a", "b"])
    for wrong in (([1], [3, 4], ["a", "b"]), ([1, 2], [3], ["a", "b"]), ([1], [1], ["a", "b"])):
        with pytest.raises(DataError, match="expected: 2 of each"):
            check_equally_many(*wrong)
