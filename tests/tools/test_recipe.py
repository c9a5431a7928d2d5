from pathlib import Path

import pytest

from densefit.config import read
from densefit.errors import ConfigError
from densefit.model.head import Head, heads
from densefit.tools.recipe import (
    Data,
    Model,
    Recipe,
    fitting,
    make_dataset,
    make_schedule,
    train_loader,
)
from densefit.tools.recipe_heads import make_heads, make_network

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.fixture
def shapes():
    return make_dataset(Data(settings={"length": 3, "size": [64, 48]}), "train")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_recipe_in_configs_can_be_made(path):
    recipe = read(Recipe, path)
    settings = {"length": recipe.training.batch_size, "keypoints": True}
    shapes = make_dataset(Data(settings=settings), "train")
    for settings in recipe.model.heads.values():  # made for other classes
        settings.pop("class_weights", None)
        settings.pop("classes", None)
    network = make_network(recipe, shapes)
    loader = train_loader(recipe, shapes, network.heads)
    assert len(loader) == 1
    assert make_schedule(recipe.training).resolve(100, 10)(0) >= 0
    assert fitting(recipe).output_size == tuple(recipe.input_size)


def test_heads_have_the_classes_of_the_dataset(shapes):
    settings = {"detection": {}, "segmentation": {}, "kind": {"task": "classification"}}
    made = make_heads(Model(heads=settings), shapes)
    assert [head.name for head in made] == ["detection", "segmentation", "kind"]
    assert [len(head.classes) for head in made] == [3, 4, 4]
    (own,) = make_heads(Model(heads={"detection": {"classes": ["a"]}}), shapes)
    assert own.classes == ["a"]
    instance, panoptic = make_heads(Model(heads={"instance": {}, "panoptic": {}}), shapes)
    assert instance.classes == panoptic.things == shapes.classes
    assert panoptic.classes == shapes.mask_classes


def test_keypoint_heads_have_the_keypoints_of_the_dataset(shapes):
    (head,) = make_heads(Model(heads={"keypoints": {}}), shapes)
    assert head.skeleton.names == shapes.keypoint_names
    assert head.skeleton.flip.tolist() == [0, 2, 1]
    assert len(head.skeleton.limbs) == len(shapes.limbs)
    (own,) = make_heads(Model(heads={"keypoints": {"keypoints": 5}}), shapes)
    assert own.skeleton.names == list("01234")
    assert own.skeleton.flip is None


def test_a_head_that_knows_no_classes_gets_none(shapes, monkeypatch):
    class Plain(Head):
        def __init__(self, name="plain"):
            self.name = name

    for method in Head.__abstractmethods__:
        setattr(Plain, method, lambda self: None)
    Plain.__abstractmethods__ = frozenset()
    monkeypatch.setattr(heads, "_factories", {**heads._factories, "plain": Plain})
    (made,) = make_heads(Model(heads={"own": {"task": "plain"}}), shapes)
    assert made.name == "own"


def test_without_a_crop_training_pictures_are_resized_too(shapes):
    recipe = Recipe(input_size=(32, 40))
    recipe.training.augment = [{"name": "random_flip"}]
    assert train_loader(recipe, shapes, []).input_size == (32, 40)
    recipe.training.augment = [{"name": "random_crop", "height": 16, "width": 24}]
    assert train_loader(recipe, shapes, []).input_size == (16, 24)


def test_what_a_recipe_lacks_is_told(shapes):
    with pytest.raises(ConfigError, match="--data.root"):
        make_dataset(Data(dataset="coco"), "train")
    with pytest.raises(ConfigError, match="no head"):
        make_heads(Model(), shapes)
    with pytest.raises(ConfigError, match="letterbox or stretch"):
        fitting(Recipe(resize="squash"))
