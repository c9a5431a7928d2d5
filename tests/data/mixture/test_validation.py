"""Validation data in the numbers and names of a mixture."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError


class Photographs:
    def __init__(self, classes, target="boxes", labels=(0, 1)):
        self.classes, self.target, self.labels = list(classes), target, labels

    def __len__(self):
        return 2

    def targets_of(self, index):
        return ["boxes", "classes"] if self.target == "boxes" else [self.target]

    def __getitem__(self, index):
        boxes = np.array([[0, 0, 4, 4], [2, 2, 8, 8]][: len(self.labels)], np.float32)
        targets = {"boxes": boxes, "classes": np.array(self.labels)}
        if self.target != "boxes":
            targets = {self.target: np.full((8, 8), 1, np.uint8)}
        return df.Sample(str(index), np.zeros((8, 8, 3), np.uint8), targets)


def loader(dataset, **settings):
    return df.Loader(dataset, batch_size=2, workers=0, **settings)


def mixture(**settings):
    datasets = {
        "cells": Photographs(["RBC", "WBC", "dust"]),
        "pets": Photographs(["cat", "dog"]),
        "rooms": Photographs(["wall", "floor"], "mask"),
    }
    return df.Mixture(
        datasets,
        targets={"cells": {"boxes": "cell_boxes"}, "rooms": {"mask": "room_mask"}},
        rename={"cells": {"RBC": "red", "dust": None}, "pets": {"cat": "tom"}},
        **settings,
    )


def test_targets_and_classes_are_those_of_the_mixture():
    """In another order, with fewer classes, and without what is renamed."""
    whole = mixture()
    loaders = whole.validation(
        {
            "cells": loader(Photographs(["dust", "WBC", "RBC"], labels=(2, 0))),
            "pets": loader(Photographs(["dog"], labels=(0,))),
            "rooms": loader(Photographs(["floor", "wall"], "mask")),
        }
    )
    batches = {name: next(each) for name, each in loaders.items()}
    targets = {name: batch.targets[0] for name, batch in batches.items()}
    assert whole.cell_classes == ["red", "WBC"]
    assert targets["cells"]["cell_classes"].tolist() == [0]
    assert targets["cells"]["cell_boxes"].tolist() == [[0, 0, 4, 4]]
    assert targets["pets"]["classes"].tolist() == [whole.classes.index("dog")]
    assert targets["pets"]["known_classes"].tolist() == [False, True]
    assert np.unique(targets["rooms"]["room_mask"]).tolist() == [0]
    assert batches["pets"].ids == ["pets/0", "pets/1"]


def test_the_settings_of_the_loaders_stay():
    resize = df.transforms.Resize(16, 16)
    before = loader(Photographs(["dog", "cat"]), transform=resize, rename={"cat": "tom"}, seed=3)
    (after,) = mixture().validation({"pets": before}).values()
    assert (after.batch_size, after.seed, after.transform) == (2, 3, resize)
    assert next(after).data["data"].shape == (2, 3, 16, 16)
    assert after.dataset.classes == ["tom", "dog"]


def test_a_loader_of_views_is_one_after_it():
    views = df.Loader.original_size(Photographs(["dog", "cat"]), batch_size=1, multiple=32)
    (after,) = mixture().validation({"pets": views}).values()
    assert type(after) is type(views)
    assert next(iter(after)).targets[0]["classes"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("datasets", "said"),
    [
        ({"pet": loader(Photographs(["cat", "dog"]))}, "did you mean 'pets'"),
        ({"pets": loader(Photographs(["cat", "fish"]))}, "'fish'"),
        ({"pets": Photographs(["cat", "dog"])}, "df.Loader(dataset"),
        ({}, "cells, pets, rooms"),
        (Photographs(["cat", "dog"]), "cells, pets, rooms"),
    ],
)
def test_mistakes_are_refused(datasets, said):
    with pytest.raises(ConfigError) as error:
        mixture().validation(datasets)
    assert said in str(error.value)
    assert "mixture.validation" in str(error.value)
