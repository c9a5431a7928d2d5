import json

import numpy as np
import pytest
from PIL import Image

from densefit.datasets import VOC, ImageFolder
from densefit.errors import ConfigError, MissingSplitError
from densefit.tools.recipes.data.mixed_stream import common_classes, mixture
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part, Shares
from densefit.tools.recipes.recipe import Data


@pytest.fixture
def data(tmp_path):
    """COCO, whose val spells a class otherwise than train."""
    (tmp_path / "annotations").mkdir()
    for split, name in (("train", "Platelets"), ("val", "platelets")):
        (tmp_path / "images" / split).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "images" / split / "x.png")
        content = {
            "images": [{"id": 1, "file_name": "x.png", "height": 8, "width": 8}],
            "categories": [{"id": 1, "name": name}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4], "iscrowd": 0}
            ],
        }
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
    return Data(dataset="coco", root=str(tmp_path))


@pytest.mark.parametrize("rename", [{"platelets": "Platelets"}, {"Platelets": "platelets"}])
def test_a_class_of_one_split_alone_is_renamed_there(data, rename):
    data.rename = rename
    train, val = (make_dataset(data, split) for split in ("train", "val"))
    assert train.classes == val.classes == list(rename.values())
    assert val[0].targets["classes"].tolist() == [0]


def test_of_several_datasets_too(data):
    part = Part(dataset="coco", root=data.root)
    shares = Shares(rename={"a": {"platelets": "Platelets"}})
    recipe = MultiRecipe(datasets={"a": part}, mixture=shares)
    train, val = (make_dataset(part, split, "datasets.a") for split in ("train", "val"))
    whole = mixture(recipe, {"a": train})
    held = mixture(recipe, {"a": val}, common_classes(whole))
    assert common_classes(whole) == common_classes(held)
    assert held[0].targets["classes"].tolist() == [0]
    shares.rename = {"a": {"platlets": "Platelets"}}
    with pytest.raises(ConfigError, match="no class 'platlets'"):
        mixture(recipe, {"a": train})


def test_a_class_of_no_split_is_an_error(data):
    data.rename = {"platlets": "Platelets"}
    with pytest.raises(ConfigError, match="no class 'platlets'") as caught:
        make_dataset(data, "train")
    assert "background" not in str(caught.value)


def test_a_missing_split_names_its_setting_and_the_remedy(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split / "cat").mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / split / "cat/x.png")
    data = Data(dataset="image_folder", root=str(tmp_path))
    with pytest.raises(MissingSplitError, match=r"data\.test[\s\S]*--data\.test null to score"):
        make_dataset(data, "test")
    data.validation = "vall"
    with pytest.raises(MissingSplitError, match=r"'val'[\s\S]*--data\.validation null for"):
        make_dataset(data, "vall")
    data.train = "null"
    with pytest.raises(MissingSplitError, match=r"nothing to train on[\s\S]*--data\.train NAME"):
        make_dataset(data, "null")


def test_a_split_without_a_name_is_an_error(tmp_path):
    (tmp_path / "ImageSets/Main").mkdir(parents=True)
    (tmp_path / "ImageSets/Main/train.txt").write_text("a\n")
    with pytest.raises(ConfigError, match="named by a text"):
        VOC(tmp_path, split=None, classes=["a"])
    with pytest.raises(MissingSplitError, match="'None'"):
        ImageFolder(tmp_path, split="None")


def test_a_missing_split_is_told_in_the_words_of_the_command_line(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "images/a.png")
    (tmp_path / "a.csv").write_text("filename,xmin,ymin,xmax,ymax,class\na.png,1,1,4,4,cat\n")
    with pytest.raises(MissingSplitError) as caught:
        make_dataset(Data(dataset="csv", root=str(tmp_path)), "train")
    assert "--data.splits" in str(caught.value)
    assert "leave `split` out" not in str(caught.value)
