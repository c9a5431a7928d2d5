import pytest
from PIL import Image

from densefit.datasets.files.name_pattern import NamePattern, files_by_key, suffix_hint
from densefit.errors import ConfigError


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(root / name)


@pytest.mark.parametrize(
    ("pattern", "suffix", "path", "key"),
    [
        ("images", "", "images/bonn/a.jpg", "bonn/a"),
        ("./images/", "", "images/a.png", "a"),
        ("images", "_x", "images/a_x.png", "a"),
        ("images", "_x", "images/a.png", None),
        ("images", "_x.png", "images/a_x.PNG", "a"),
        ("images", ".png", "images/a.jpg", None),
        (".", "_mask", "a_mask.gif", "a"),
        ("gt/mask_{name}.png", "", "gt/mask_7.png", "7"),
        ("{name}/label", "", "x/y/label.png", "x/y"),
        ("*/{drive}/data/{name}.png", "", "d/e/data/3.png", "e/3"),
        ("*/{drive}/data/{name}.png", "", "d/e/f/data/3.png", None),
    ],
)
def test_keys(pattern, suffix, path, key):
    assert NamePattern(pattern, suffix).key(path) == key


def test_images_and_masks_in_one_folder(tmp_path):
    make(tmp_path, "a.jpg", "a_mask.png", "b_mask.png", "b.jpg", "c.png")
    found = files_by_key({"images": NamePattern("."), "masks": NamePattern(".", "_mask")}, tmp_path)
    assert found["images"] == {"a": ["a.jpg"], "b": ["b.jpg"], "c": ["c.png"]}
    assert found["masks"] == {"a": ["a_mask.png"], "b": ["b_mask.png"]}


def test_fields_in_another_order(tmp_path):
    make(tmp_path, "rgb/kitchen/7.png", "depth/7_kitchen.png")
    patterns = {
        "images": NamePattern("rgb/{scene}/{name}"),
        "depths": NamePattern("depth/{name}_{scene}"),
    }
    found = files_by_key(patterns, tmp_path)
    assert found["images"].keys() == found["depths"].keys() == {"kitchen/7"}
    patterns["depths"] = NamePattern("depth/{name}_*")
    with pytest.raises(ConfigError, match=r"depths has other fields[\s\S]*\{scene\}"):
        files_by_key(patterns, tmp_path)


@pytest.mark.parametrize(("pattern", "suffix"), [("{a}/{a}", ""), ("*", ""), ("{a}", "_x")])
def test_patterns_that_are_none(pattern, suffix):
    with pytest.raises(ConfigError):
        NamePattern(pattern, suffix)


def test_a_suffix_is_suggested():
    hint = suffix_hint(["a", "b"], ["a_gt", "b_gt"], "mask_suffix")
    assert hint == "mask_suffix='_gt', if 'a_gt' is the mask of 'a'"
    assert suffix_hint(["a"], ["x"], "mask_suffix") is None


def test_the_suffix_of_most_names_is_meant():
    names = ["1", "2", "10"]
    hint = suffix_hint(names, ["10_gt", "2_gt", "100_gt"], "mask_suffix")
    assert hint == "mask_suffix='_gt', if '10_gt' is the mask of '10'"
