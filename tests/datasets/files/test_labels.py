import pytest

from densefit.datasets.files.labels import labels_of


@pytest.mark.parametrize(
    ("classes", "difficult", "expected"),
    [
        ([], [], [0, 0, 0]),
        ([1], [False], [0, 1, 0]),
        ([1], [True], [0, -1, 0]),
        ([1, 1], [True, False], [0, 1, 0]),
        ([1, 1], [False, True], [0, 1, 0]),
        ([2, 0, 2], [True, False, True], [1, 0, -1]),
    ],
)
def test_a_class_is_shown_if_one_of_its_objects_is_sure(classes, difficult, expected):
    found = labels_of(classes, difficult, 3)
    assert found.dtype == "int64"
    assert found.tolist() == expected
