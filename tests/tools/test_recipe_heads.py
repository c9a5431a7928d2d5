"""What heads are told by the dataset. Of several datasets: see test_several.py."""

import pytest

from densefit.errors import ConfigError
from densefit.model.head import Head, heads
from densefit.tools.recipe import Data, Model, make_dataset
from densefit.tools.recipe_heads import make_heads


@pytest.fixture
def shapes():
    return make_dataset(Data(settings={"length": 3, "size": [64, 48]}), "train")


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


def test_keypoint_heads_have_the_classes_that_have_keypoints(shapes):
    """Their numbers are those of all classes."""
    shapes.keypoint_classes = ["triangle", "square"]
    (head,) = make_heads(Model(heads={"keypoints": {}}), shapes)
    assert (head.classes, head.among) == (["triangle", "square"], shapes.classes)
    (head,) = make_heads(Model(heads={"keypoints": {"classes": ["square"]}}), shapes)
    assert (head.classes, head.among) == (["square"], shapes.classes)
    (head,) = make_heads(Model(heads={"keypoints": {"classes": 3}}), shapes)
    assert (head.classes, head.among) == (list("012"), list("012"))
    with pytest.raises(ConfigError, match="did you mean 'square'"):
        make_heads(Model(heads={"keypoints": {"classes": ["squares"]}}), shapes)


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


def test_what_a_recipe_lacks_is_told(shapes):
    with pytest.raises(ConfigError, match="no head"):
        make_heads(Model(), shapes)
    with pytest.raises(ConfigError, match="leave `from` out"):
        make_heads(Model(heads={"detection": {"from": "shapes"}}), shapes)
