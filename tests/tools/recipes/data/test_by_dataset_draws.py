"""Pictures of several samples, in recipes of several datasets."""

from __future__ import annotations

import numpy as np

import densefit as df
from densefit.data.transforms import ByDataset, Compose, transforms
from densefit.data.transforms.extra_samples import apply_transform, draw_from
from densefit.datasets import Shapes
from densefit.tools.recipes.data.mixed_stream import labelled_for


def test_a_mosaic_draws_from_the_datasets_samples():
    data = Shapes(6, size=(48, 60))
    mosaic = transforms.create("mosaic", height=48, width=64, p=1.0, drop=["label"])
    plain = Compose([transforms.create("resize", height=48, width=64)])
    both = ByDataset({"a": Compose([mosaic, *plain.steps]), "b": plain})
    sample, rng = data[0], np.random.default_rng(0)
    sample.id = "a/0"
    assert both.others == mosaic.others
    found = apply_transform(both, sample, rng, draw_from(data, 0, rng))
    assert found.image.shape == (48, 64, 3)
    assert not np.array_equal(found.image, plain(data[0], rng).image)


def test_a_dataset_that_trains_one_term_of_a_head_is_kept():
    head = df.head("instance", classes=["circle", "square", "triangle"])
    full, boxes = Shapes(3, size=(48, 60)), BoxesOnly()
    assert labelled_for([head], {"boxes": boxes, "full": full}, {}) == ["boxes", "full"]
    other = df.head("segmentation", classes=["a", "b"])
    assert labelled_for([other], {"boxes": boxes, "full": full}, {}) == ["full"]


class BoxesOnly:
    """Shapes without their masks."""

    def __init__(self):
        self.inside = Shapes(3, size=(48, 60))
        self.classes = self.inside.classes

    def __len__(self):
        return 3

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        sample = self.inside[index]
        kept = ("boxes", "classes", "area", "crowd", "difficult")
        sample.targets = {name: own for name, own in sample.targets.items() if name in kept}
        return sample
