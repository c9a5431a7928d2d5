"""What heads are judged by, on one dataset and on several."""

import pytest

import densefit as df
from densefit.tools.recipes.data.run_data import prepare, primary_numbers
from densefit.tools.recipes.recipe import Data, Model, Recipe


@pytest.fixture
def recipe():
    heads = {"depth": {"decoder": "fcn", "channels": 8}, "kind": {"task": "classification"}}
    return Recipe(model=Model(settings={"width": 8}, heads=heads))


def test_directions_are_those_of_the_metrics():
    heads = [df.head("depth", decoder="fcn", channels=8), df.head("segmentation", classes=3)]
    network = df.Network("resnet18", heads, settings={"width": 8})
    (depth,) = primary_numbers(network, None)["depth"].items()
    assert depth[0].startswith("depth/")
    assert depth[1] is False
    assert primary_numbers(network, None)["segmentation"] == {"segmentation/mIoU": True}


@pytest.mark.usefixtures("partly")
def test_only_what_is_scored_somewhere_is_named():
    heads = [
        df.head("detection", classes=3, strides=[8], channels=8),
        df.head("segmentation", classes=4, decoder="fcn", channels=8),
        df.head("depth", decoder="fcn", channels=8),
    ]
    network = df.Network("resnet18", heads, settings={"width": 8})
    held = {
        name: df.Loader(df.dataset(kind), batch_size=4)
        for name, kind in (("a", "masks"), ("b", "boxes"), ("c", "masks"))
    }
    assert primary_numbers(network, held) == {
        "detection": {"b/detection/AP": True},
        "segmentation": {"a/segmentation/mIoU": True, "c/segmentation/mIoU": True},
    }


def test_splits_that_are_left_out(recipe):
    recipe.model.heads.pop("depth")
    recipe.data = Data(settings={"length": 8, "size": [48, 48]}, test=None)
    prepared = prepare(recipe)
    assert prepared.split == "val"
    assert set(prepared.data) == {"train", "val"}
    recipe.data.validation = None
    prepared = prepare(recipe)
    assert (prepared.validation, prepared.test, prepared.split) == (None, None, None)
