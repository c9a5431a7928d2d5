"""Each sample is transformed as its dataset's are. In recipes: see test_several.py."""

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.tools.recipes.data.by_dataset import ByDataset


class Note:
    """A transform that notes its name."""

    def __init__(self, said, size=(8, 8)):
        self.said, self.output_size = said, size

    def __call__(self, sample, rng):
        return self.said, sample.id


def test_each_sample_is_transformed_as_its_dataset_s_are():
    both = ByDataset({"a": Note("A"), "b": Note("B")})
    assert both.output_size == (8, 8)
    image = np.zeros((8, 8, 3), np.uint8)
    assert both(Sample("b/a/1", image, {}), None) == ("B", "b/a/1")
    assert both(Sample("a/b", image, {}), None) == ("A", "a/b")


def test_all_give_pictures_of_one_size():
    with pytest.raises(ConfigError, match="one input size") as error:
        ByDataset({"a": Note("A"), "b": Note("B", (8, 9))})
    assert "a (8, 8), b (8, 9)" in str(error.value)
