"""Each sample is transformed as its dataset's are. In recipes: see test_several.py."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.data.transforms import ByDataset, Letterbox, Resize
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError


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


def test_a_sample_of_no_dataset_is_refused():
    both = ByDataset({"cells": Note("A"), "streets": Note("B")})
    with pytest.raises(DataError, match="did you mean 'cells'"):
        both(Sample("cell/1", np.zeros((8, 8, 3), np.uint8), {}), None)
    with pytest.raises(ConfigError, match="received: nothing"):
        ByDataset({})


def test_a_mixture_in_a_loader():
    mixture = df.Mixture({"a": Shapes(4, (40, 48)), "b": Shapes(4, (48, 60), seed=1)})
    transform = ByDataset({"a": Resize(32, 32), "b": Letterbox(32, 32)})
    (batch,) = df.Loader(mixture, batch_size=8, transform=transform)
    sizes = [geometry.matrix[0, 0] / geometry.matrix[1, 1] for geometry in batch.geometries]
    stretched = [abs(size - 1) > 0.1 for size in sizes]
    assert stretched == [sample_id.startswith("a/") for sample_id in batch.ids]
