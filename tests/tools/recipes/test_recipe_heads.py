"""What heads are told by the dataset. Of several datasets: see test_several.py."""

import numpy as np
import pytest

from densefit.data.mixture.mixture import Mixture
from densefit.datasets.shapes import Shapes
from densefit.errors import ConfigError
from densefit.model.heads.head import Head, heads
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data, Model
from densefit.tools.recipes.recipe_heads import make_heads


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


def test_heads_of_renamed_boxes_have_their_classes_and_keypoints(shapes):
    """`from` names the dataset before it is renamed; the mixture has names after it."""
    mixture = Mixture({"toys": shapes}, targets={"toys": {"boxes": "toy_boxes"}})
    settings = {
        "detection": {"target": "toy_boxes"},
        "keypoints": {"target": "toy_boxes", "from": "toys"},
    }
    boxes, points = make_heads(Model(heads=settings), mixture, {"toys": shapes})
    assert boxes.classes == points.classes == mixture.toy_classes == shapes.classes
    assert boxes.targets == ("toy_boxes", "toy_classes")
    assert points.skeleton.names == shapes.keypoint_names
    assert points.targets == ("toy_keypoints",)


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


@pytest.fixture
def stranger(monkeypatch):
    """Registers a head that only notes what it is made with, and declares what it is told."""

    def register(task, **declared):
        class Stranger(Head):
            def __init__(self, name="own", classes=(), target="", size=0):
                self.name, self.classes, self.target, self.size = name, classes, target, size

        class Needs(Stranger):
            def __init__(self, classes, name="own"):
                super().__init__(name, classes)

        class Some(Stranger):
            def __init__(self, classes, name="own", among=None):
                super().__init__(name, classes)
                self.among = among

        kind = Needs if declared.pop("needs", False) else Stranger
        kind = Some if declared.pop("some", False) else kind
        kind.__abstractmethods__ = frozenset()
        for attribute, value in declared.items():
            setattr(kind, attribute, value)
        monkeypatch.setattr(heads, "_factories", {**heads._factories, task: kind})

    return register


def test_a_head_that_declares_nothing_is_told_nothing(shapes, stranger):
    stranger("plain")
    (made,) = make_heads(Model(heads={"own": {"task": "plain"}}), shapes)
    assert (made.name, made.classes) == ("own", ())
    stranger("needy", needs=True)
    (made,) = make_heads(Model(heads={"own": {"task": "needy", "classes": ["a"]}}), shapes)
    assert made.classes == ["a"]
    with pytest.raises(ConfigError, match="Nobody says which classes the head 'own' has") as error:
        make_heads(Model(heads={"own": {"task": "needy"}}), shapes)
    assert 'class_target = "TARGET"' in str(error.value)


def test_a_head_has_the_classes_of_the_target_that_it_declares(shapes, stranger):
    shapes.part_classes, shapes.limb_classes = ("leg", "arm"), ["left", "right"]
    stranger("parts", class_target="part")
    made = make_heads(
        Model(
            heads={
                "parts": {},
                "limbs": {"task": "parts", "target": "limb"},
                "unlisted": {"task": "parts", "target": "foot"},
                "stated": {"task": "parts", "classes": ["toe"]},
            }
        ),
        shapes,
    )
    told = {head.name: head.classes for head in made}
    assert told["parts"] == told["unlisted"] == ["leg", "arm"]
    assert (told["limbs"], told["stated"]) == (["left", "right"], ["toe"])
    del shapes.part_classes
    (made,) = make_heads(Model(heads={"parts": {}}), shapes)
    assert made.classes == shapes.classes


def test_the_declared_target_of_a_built_in_head_may_be_another(shapes):
    """Of segmentation by itself, and inside a panoptic head."""
    shapes.room_mask_classes = ["wall", "circle", "square", "triangle", "roof"]
    settings = {
        "segmentation": {"target": "room_mask"},
        "panoptic": {"segmentation": {"target": "room_mask"}},
        "kind": {"task": "classification", "target": "room"},
    }
    shapes.room_classes = ["kitchen", "bath"]
    rooms, whole, kind = make_heads(Model(heads=settings), shapes)
    assert rooms.classes == whole.classes == shapes.room_mask_classes
    assert rooms.class_target == whole.class_target == "room_mask"
    assert kind.classes == ["kitchen", "bath"]


def test_further_settings_are_told_all_or_none(shapes, stranger):
    stranger("sized", dataset_settings={"size": "size", "target": "split"})
    (made,) = make_heads(Model(heads={"sized": {}}), shapes)
    assert (made.size, made.target) == ((64, 48), "train")
    (made,) = make_heads(Model(heads={"sized": {"size": 3}}), shapes)
    assert (made.size, made.target) == (3, "")
    stranger("sized", dataset_settings={"size": "size", "target": "nowhere"})
    (made,) = make_heads(Model(heads={"sized": {}}), shapes)
    assert made.size == 0


def test_a_stranger_s_head_in_a_mixture_has_its_own_list(shapes, stranger):
    """Where the mixture unites the classes of a target of one's own, they are checked, too."""

    class Tagged(Shapes):
        part_classes = ("leg", "arm")

        def __getitem__(self, index):
            sample = super().__getitem__(index)
            sample.targets["part"] = np.array(index % 2, np.int64)
            return sample

    parts = Tagged(2, (32, 32))
    both = Mixture({"a": shapes, "b": parts}, classes={"part": ["arm", "leg"]})
    stranger("parts", class_target="part", targets=("part",))
    sources = {"a": shapes, "b": parts}
    (made,) = make_heads(Model(heads={"parts": {}}), both, sources)
    assert made.classes == ["arm", "leg"]
    with pytest.raises(ConfigError, match="not those of the mixture"):
        make_heads(Model(heads={"parts": {"classes": ["leg", "arm"]}}), both, sources)


def test_a_stranger_s_head_may_have_some_of_the_classes(shapes, stranger):
    """Those of the dataset that it names; all of them, by number, are `among`."""
    other = Shapes(2, (32, 32))
    other.classes = ["ring", *other.classes[1:]]
    both = Mixture({"a": shapes, "b": other})
    sources = {"a": shapes, "b": other}
    other.round_classes = ["ring"]

    def numbered(self):
        return self.among

    declared = {"targets": ("boxes",), "class_target": "classes", "target_classes": numbered}
    stranger("round", some=True, class_subset="round_classes", **declared)
    (made,) = make_heads(Model(heads={"round": {"from": "b"}}), both, sources)
    assert (made.classes, made.among) == (["ring"], both.classes)
    (made,) = make_heads(Model(heads={"round": {"from": "a"}}), both, sources)
    assert made.classes == shapes.classes  # which has no such list
    (made,) = make_heads(Model(heads={"round": {"classes": ["square"]}}), both, sources)
    assert (made.classes, made.among) == (["square"], both.classes)
    wrong = {"classes": ["square"], "among": ["square", "ring"]}
    with pytest.raises(ConfigError, match="not those of the mixture"):
        make_heads(Model(heads={"round": wrong}), both, sources)


def test_what_a_recipe_lacks_is_told(shapes):
    with pytest.raises(ConfigError, match="no head"):
        make_heads(Model(), shapes)
    with pytest.raises(ConfigError, match="leave `from` out"):
        make_heads(Model(heads={"detection": {"from": "shapes"}}), shapes)
    # a slip of the finger in `--model.heads.boxes.channels 8`
    slip = {"boxes": {"task": "detection"}, "boxs": {"channels": 8}}
    with pytest.raises(ConfigError, match=r"'boxs' is no task[\s\S]*did you mean 'boxes'\?"):
        make_heads(Model(heads=slip), shapes)


def test_classes_that_the_recipe_renames_are_the_head_s():
    data = Data(settings={"length": 3}, rename={"square": "polygon", "triangle": "polygon"})
    model = Model(heads={"detection": {}, "kind": {"task": "classification"}})
    heads = make_heads(model, make_dataset(data, "train"))
    assert [head.classes for head in heads] == [
        ["circle", "polygon"],
        ["circle", "polygon", "nothing"],
    ]
    wrong = Data(settings={"length": 3}, rename={"squar": "polygon"})
    with pytest.raises(ConfigError, match=r"data\.rename, split 'train'[\s\S]*'square'"):
        make_dataset(wrong, "train")
