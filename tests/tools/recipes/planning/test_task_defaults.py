"""Each task begins with a head that can be made, and transforms that suit it."""

import numpy as np
import pytest

import densefit as df
from densefit.tools.recipes.planning.decisions import Machine, image_size
from densefit.tools.recipes.planning.fingerprint import Fingerprint
from densefit.tools.recipes.planning.starting_recipe import starting_recipe
from densefit.tools.recipes.planning.task_defaults import DEFAULTS

CLASSES = {
    "classification": {"classes": ["a", "b"]},
    "multilabel": {"classes": ["a", "b"]},
    "keypoints": {"keypoints": 3},
    "instance": {"classes": ["a", "b"]},
    "panoptic": {"classes": ["a", "b"], "things": ["b"]},
    "depth": {},
    "normals": {},
}


@pytest.mark.parametrize("task", DEFAULTS)
def test_its_head_can_be_made(task):
    recipe = starting_recipe([task])
    head = df.head(task, **recipe["model"]["heads"][task], **CLASSES[task])
    assert head.name == task
    assert "best" not in recipe["training"]


def test_a_class_is_of_the_whole_image():
    (crop, *_) = starting_recipe(["classification"])["training"]["augment"]
    assert crop["low"] >= 1
    assert crop["high"] ** 2 <= 2
    (crop, *_) = starting_recipe(["detection"])["training"]["augment"]
    assert crop == {"name": "random_scale_crop", "low": 0.6, "high": 1.6}


def test_dense_tasks_train_the_backbone_slowly():
    assert starting_recipe(["depth"])["training"]["groups"]
    assert "groups" not in starting_recipe(["keypoints"])["training"]


def test_an_image_with_a_class_has_fewer_pixels():
    data = Fingerprint(100, np.array([[480.0, 640.0]]), np.zeros(0))
    size, why = image_size(data, Machine(2, None), 224 * 224)
    assert size == (192, 256)
    assert "224x224" in why
    assert image_size(data, Machine(2, None))[0] == (288, 384)
