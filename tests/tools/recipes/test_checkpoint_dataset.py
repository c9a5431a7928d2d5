"""One of several datasets of a checkpoint, with the numbers that its heads have learned."""

from dataclasses import asdict

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.tools.recipes.checkpoint_dataset import CheckpointDataset
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part, Shares
from densefit.tools.recipes.recipe import Data


def recipe(**shares):
    parts = {"cells": Part("voc", root="a", test="late"), "tags": Part("coco", root="b")}
    return asdict(MultiRecipe(datasets=parts, mixture=Shares(**shares)))


def test_its_settings_are_those_of_the_training():
    data = CheckpointDataset(recipe(), "cells").data(Data(workers=7))
    assert (data.dataset, data.root, data.test, data.workers) == ("voc", "a", "late", 7)
    assert CheckpointDataset(recipe(), "cells").data(Data(root="moved")).root == "moved"


def test_its_classes_have_the_numbers_of_the_heads():
    """The heads know them as triangle, ring, square."""
    head = df.head("detection", classes=["triangle", "ring", "square"], strides=[8], channels=8)
    rename = {"cells": {"circle": "ring"}, "tags": {"x": None}}
    part = CheckpointDataset(recipe(rename=rename), "cells")
    plain = df.dataset("shapes", length=6, size=(48, 48), split="test")
    mapped = part.as_trained(plain, [head, df.head("depth", decoder="fcn", channels=8)])
    seen = set()
    for index in range(6):
        own = plain[index].targets["classes"].tolist()
        assert mapped[index].targets["classes"].tolist() == [[1, 2, 0][one] for one in own]
        seen.update(own)
    assert seen == {0, 1, 2}
    assert mapped.id_of(0) == f"cells/{plain.id_of(0)}"


def test_its_targets_have_the_names_of_the_heads():
    head = df.head("segmentation", classes=list("abcd"), target="cell_mask", decoder="fcn")
    rename = dict(zip(("background", "circle", "square", "triangle"), "dcba"))
    shares = {"targets": {"cells": {"mask": "cell_mask"}}, "rename": {"cells": rename}}
    plain = df.dataset("shapes", length=2, size=(48, 48), split="test")
    mapped = CheckpointDataset(recipe(**shares), "cells").as_trained(plain, [head])
    sample, own = mapped[0].targets, plain[0].targets["mask"]
    assert "mask" not in sample
    assert (sample["cell_mask"] == 3 - own).all()


def test_a_head_of_some_classes_tells_all_of_them():
    settings = {"classes": ["ring"], "among": ["triangle", "ring", "square"], "keypoints": 3}
    head = df.head("keypoints", channels=8, **settings)
    part = CheckpointDataset(recipe(rename={"cells": {"circle": "ring"}}), "cells")
    plain = df.dataset("shapes", length=2, size=(48, 48), split="test")
    assert part.as_trained(plain, [head]).classes == settings["among"]


@pytest.mark.parametrize("lacking", ["unknown", "background"])
def test_what_it_tells_of_classes_that_it_lacks_is_what_the_training_heard(lacking):
    plain = df.dataset("shapes", length=3, size=(48, 48), split="test")
    head = df.head("detection", classes=["ring", *plain.classes], strides=[8], channels=8)
    part = CheckpointDataset(recipe(lacking=lacking), "cells")
    alone = part.as_trained(plain, [head])
    both = df.Mixture({"cells": plain}, classes={"classes": head.classes}, lacking=lacking)
    for index in range(3):
        found, heard = alone[index].targets, both[index].targets
        assert found.keys() == heard.keys()
        assert ("known_classes" in found) == (lacking == "unknown")
        for name, value in heard.items():
            np.testing.assert_array_equal(found[name], value)


def test_the_things_of_a_panoptic_head_are_those_of_the_boxes():
    plain = df.dataset("shapes", length=4, size=(48, 48), split="test")
    things = plain.classes[::-1]
    head = df.head("panoptic", classes=plain.mask_classes, things=things)
    alone = CheckpointDataset(recipe(), "cells").as_trained(plain, [head])
    for index in range(4):
        names = [plain.classes[number] for number in plain[index].targets["classes"]]
        assert [things[number] for number in alone[index].targets["classes"]] == names
        truth = head.ground_truth(alone[index].targets)
        assert sorted(head.classes[kind] for kind in truth["classes"] if kind) == sorted(names)


def test_the_dataset_must_be_named():
    with pytest.raises(ConfigError, match="which one"):
        CheckpointDataset(recipe(), None)
    with pytest.raises(ConfigError, match="did you mean 'cells'"):
        CheckpointDataset(recipe(), "cell")
    one = recipe()
    del one["datasets"]["tags"]
    assert CheckpointDataset(one, None).name == "cells"
