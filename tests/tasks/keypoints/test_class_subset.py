import numpy as np
import pytest

from densefit.errors import ConfigError, DataError
from densefit.tasks.keypoints.class_subset import ClassSubset


def test_numbers_go_by_name():
    chosen = ClassSubset(["dog", "person"], ["person", "car", "dog"], "head 'k'")
    assert (chosen.names, chosen.among) == (["dog", "person"], ["person", "car", "dog"])
    own = chosen.indices(np.array([2, 0, 1, 2]), "here")
    assert own.dtype == np.int64
    assert [chosen.names[i] if i >= 0 else None for i in own] == ["dog", "person", None, "dog"]
    assert chosen.indices(np.zeros(0, np.int64), "here").shape == (0,)


def test_without_others_all_numbers_stay():
    for classes in (3, ["a", "b", "c"]):
        chosen = ClassSubset(classes, None, "head")
        assert chosen.among == chosen.names
        np.testing.assert_array_equal(chosen.indices(np.arange(3), "here"), np.arange(3))


@pytest.mark.parametrize("numbers", [[0, 3], [-1]])
def test_numbers_of_no_class(numbers):
    with pytest.raises(DataError, match=r"no known class[\s\S]*0 to 2[\s\S]*sample 'a'"):
        ClassSubset(["a"], ["a", "b", "c"], "head").indices(np.array(numbers), "sample 'a'")


@pytest.mark.parametrize(
    ("classes", "among", "message"),
    [
        (["persons"], ["person", "car"], r"'persons'[\s\S]*head 'k'[\s\S]*did you mean 'person'"),
        ([], ["person"], "different names"),
        (["a", "a"], ["a", "b"], "different names"),
        (["a"], ["a", "b", "b"], "different names"),
        (2, ["a", "b"], "'0' of a keypoint head is not a class"),
    ],
)
def test_names_that_do_not_fit(classes, among, message):
    with pytest.raises(ConfigError, match=message):
        ClassSubset(classes, among, "head 'k'")
