import numpy as np
import pytest

from densefit.datasets.objects.outline_column import FLOATS, HUNDREDTHS, JSON, MILLIONTHS, RUNS
from densefit.datasets.objects.outline_writer import OutlineWriter

TRIANGLE = [0.01, 2.5, 639.99, 3, 4.07, 480]
FINE = [0.123456, 0.5, 1.0, 0.000001, 0.25, 0.75]
FLOAT = [1 / 3, 2.0, 5e-9, 4.0, 1e9, -0.0]


def column_of(*groups):
    writer = OutlineWriter()
    doubtful = [writer.add(group) for group in groups]
    return writer.column(), doubtful


def test_polygons_are_the_same_float64_again():
    column, _ = column_of([[TRIANGLE], [FINE, TRIANGLE], [FLOAT]], [[TRIANGLE, TRIANGLE]])
    assert column.kinds.tolist() == [HUNDREDTHS, MILLIONTHS, FLOATS, HUNDREDTHS]
    expected = [[TRIANGLE], [FINE, TRIANGLE], [FLOAT], [TRIANGLE, TRIANGLE]]
    for i, polygons in enumerate(expected):
        for polygon, numbers in zip(column[i], polygons):
            assert np.array(polygon).tobytes() == np.array(numbers, np.float64).tobytes()


def test_random_hundredths_and_floats_are_exact():
    rng = np.random.default_rng(0)
    hundredths = [[round(x, 2) for x in rng.uniform(-20, 3000, 8)] for _ in range(300)]
    floats = rng.uniform(-1e6, 1e6, (50, 6)).tolist()
    column, _ = column_of([[part] for part in hundredths + floats])
    assert column.kinds.tolist() == [HUNDREDTHS] * 300 + [FLOATS] * 50
    assert [column[i][0] for i in range(350)] == hundredths + floats
    assert column.of_rows(slice(1, 3)) == [[hundredths[1]], [hundredths[2]]]


def test_runs_and_what_is_neither_keep_their_order():
    runs = {"size": [20, 30], "counts": [5, 595]}
    string = {"size": [20, 30], "counts": "52203"}
    odd = [[TRIANGLE, "x"], 7, {"size": [2.5, 3], "counts": [1]}, [], [[1, 2, 3, 4]]]
    column, (doubtful,) = column_of([[TRIANGLE], runs, None, string, *odd, [FINE]])
    assert doubtful == list(range(1, 9))
    assert column.kinds[1] == RUNS
    assert column.kinds[4:9].tolist() == [JSON] * 5
    assert column[1] == runs
    assert column[2] is None
    assert column[3] == {"size": [20, 30], "counts": b"52203"}
    assert [column[i] for i in range(4, 9)] == odd
    assert (column[0], column[9]) == ([TRIANGLE], [FINE])


def test_parts_that_enclose_nothing_are_left_out():
    column, (doubtful,) = column_of([[[1, 2, 3, 4], TRIANGLE]])
    assert (column[0], doubtful) == ([TRIANGLE], [])


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e7, -2e6, 10**400, "5", None])
def test_polygons_that_lead_far_away_are_to_be_looked_at(number):
    polygon = [[1, 1, 9, 9, 5, number]]
    column, (doubtful,) = column_of([[TRIANGLE], polygon, [FLOAT[:4] + [1, 2]]])
    assert 1 in doubtful
    assert column[0] == [TRIANGLE]
    np.testing.assert_equal(column[1], polygon)


def test_rows_are_chosen_in_any_order():
    column, _ = column_of([[TRIANGLE], [FINE], [FLOAT]])
    chosen = column.select(np.array([2, 0]))
    assert [chosen[0], chosen[1]] == [[FLOAT], [TRIANGLE]]
