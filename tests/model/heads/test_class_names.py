"""Names of a head's classes, given in any way."""

from __future__ import annotations

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.model.heads.head import class_names


@pytest.mark.parametrize("number", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_a_number_of_any_type(number):
    assert class_names(number) == ["0", "1", "2"]
    assert type(class_names(number)) is type(class_names(3))


@pytest.mark.parametrize(
    "names", [("a", "b"), ["a", "b"], np.array(["a", "b"]), {"a": 0, "b": 1}, iter("ab")]
)
def test_names_in_any_container(names):
    found = class_names(names)
    assert found == ["a", "b"]
    assert {type(name) for name in found} == {str}


@pytest.mark.parametrize("classes", ["cat", "", b"cat", True, 2.5, None])
def test_one_text_is_no_list_of_letters(classes):
    with pytest.raises(ConfigError, match="Classes are names, or how many"):
        class_names(classes)


@pytest.mark.parametrize(
    "task",
    [
        *("classification", "detection", "fcos", "instance", "keypoints", "multilabel"),
        *("faster_rcnn", "mask_rcnn", "retinanet", "segmentation", "yolox"),
    ],
)
def test_every_head_takes_and_refuses_alike(task):
    made = df.head(task, classes=np.int64(3))
    assert list(made.target_classes()) == ["0", "1", "2"]
    with pytest.raises(ConfigError, match="Classes are names, or how many"):
        df.head(task, classes="cat")


@pytest.mark.parametrize("settings", [{"classes": 3}, {"things": 1}, {"things": "cat"}])
def test_a_panoptic_head_needs_names(settings):
    given = {"classes": ["cat", "sky"], "things": ["cat"], **settings}
    with pytest.raises(ConfigError, match="names"):
        df.head("panoptic", **given)


def test_a_checkpoint_keeps_a_number_of_numpy_s(tmp_path, tiny):
    head = df.head("classification", classes=np.int64(2), dropout=np.float32(0.5))
    network = df.Network("resnet18", [head], settings={"width": np.int64(8)})

    class Kinds(tiny.Pictures):
        classes = ("a", "b")

        def __getitem__(self, index):
            made = super().__getitem__(index)
            made.targets = {"label": np.int64(index % 2)}
            return made

    loader = df.Loader(Kinds(4), batch_size=4, heads=network.heads)
    df.fit(network, loader, updates=1, checkpoint=tmp_path)
    assert df.load(tmp_path / "last").heads[0].classes == ["0", "1"]
