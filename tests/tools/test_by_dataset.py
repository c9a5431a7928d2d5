"""Each sample is transformed as its dataset's are. In recipes: see test_several.py."""

import pytest

from densefit.errors import ConfigError
from densefit.tools.by_dataset import ByDataset


class Note:
    """A transform that notes its name."""

    def __init__(self, said, size=(8, 8)):
        self.said, self.output_size = said, size

    def __call__(self, sample, rng):
        return self.said, sample.id


class Plain:
    def __init__(self, key):
        self.id = key


def test_each_sample_is_transformed_as_its_dataset_s_are():
    both = ByDataset({"a": Note("A"), "b": Note("B")})
    assert both.output_size == (8, 8)
    assert both(Plain("b/a/1"), None) == ("B", "b/a/1")
    assert both(Plain("a/b"), None) == ("A", "a/b")


def test_all_give_pictures_of_one_size():
    with pytest.raises(ConfigError, match="one input size") as error:
        ByDataset({"a": Note("A"), "b": Note("B", (8, 9))})
    assert "a (8, 8), b (8, 9)" in str(error.value)
