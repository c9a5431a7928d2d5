"""A plan finds layout and splits, and leaves what the user has set."""

from dataclasses import replace

import pytest

from densefit.datasets.shapes import Shapes
from densefit.errors import ConfigError, DataError
from densefit.tools.conversion.convert import convert
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part
from densefit.tools.recipes.planning import layout, plan
from densefit.tools.recipes.planning.decisions import Machine
from densefit.tools.recipes.planning.fingerprint import fingerprint_of
from densefit.tools.recipes.planning.folders import dataset_names, split_folders
from densefit.tools.recipes.planning.options import PlanOptions
from densefit.tools.recipes.planning.reading import reading
from densefit.tools.recipes.planning.splits import plan_splits
from densefit.tools.recipes.planning.starting_recipe import starting_recipe
from densefit.tools.recipes.recipe import Data, Model, Recipe


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    monkeypatch.setattr(plan, "machine_of", lambda recipe: Machine(2, None))


def recipe_of(folder, *tasks, **settings):
    return Recipe(
        data=Data(root=str(folder), **settings), model=Model(heads={task: {} for task in tasks})
    )


def test_layouts_are_found(cells, streets, people):
    found = [layout.find_layout(str(folder)) for folder in (cells, streets, people)]
    assert found == ["yolo", "mask_folder", "coco"]


def test_a_folder_above_is_told(cells, tmp_path):
    with pytest.raises(DataError, match=r"(?s)no known layout.*cells, which looks like yolo"):
        layout.find_layout(str(cells.parent))
    with pytest.raises(DataError, match="no such folder"):
        layout.find_layout(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"(?s)no known layout.*an empty folder"):
        layout.find_layout(str(tmp_path))


def test_of_two_layouts_the_one_with_the_targets_is_taken(monkeypatch, cells):
    monkeypatch.setattr(layout, "look_alikes", lambda path: ["mask_folder", "yolo"])
    assert layout.find_layout(str(cells), {"boxes"}) == "yolo"
    with pytest.raises(ConfigError, match="looks like mask_folder and yolo"):
        layout.find_layout(str(cells))


def test_splits_are_the_folders_own_as_far_as_there_are(cells, streets, people):
    data = [
        Data(dataset=name, root=str(root))
        for name, root in (("yolo", cells), ("mask_folder", streets), ("coco", people))
    ]
    texts = [plan_splits(own) for own in data]
    assert [own.test for own in data] == ["test", None, "test"]
    assert [own.splits for own in data[:2]] == [None, None]
    assert {**data[2].splits, "seed": 0} == {"train": 0.7, "val": 0.15, "test": 0.15, "seed": 0}
    assert "train 5, val 2, test 1" in texts[2]
    assert "the validation split is scored" in texts[1]
    made = [len(make_dataset(data[2], split)) for split in ("train", "val", "test")]
    assert sum(made) == 8


def test_masks_are_read_where_there_are_some(cells, people):
    needs = {"segmentation": {"mask"}, "detection": {"boxes", "classes"}}
    boxes = Data(dataset="yolo", root=str(cells))
    assert reading(boxes, "data", needs) == {}  # YOLO's boxes would be lost
    both = Data(dataset="coco", root=str(people))
    assert reading(both, "data", needs) == {"masks": True}
    with pytest.raises(DataError, match="no labels for segmentation"):
        reading(boxes, "data", {"segmentation": {"mask"}})


def test_a_fingerprint_has_sizes_of_images_and_objects(cells):
    data = fingerprint_of([make_dataset(Data(dataset="yolo", root=str(cells)), "train")])
    assert (data.samples, data.median_size) == (8, (48, 64))
    assert 5 < data.small_side < 40
    assert len(data.sides) >= 8


def test_what_the_user_sets_stays(cells):
    recipe = recipe_of(cells, "detection", dataset="yolo")
    recipe.input_size, recipe.training.batch_size = (64, 96), 3
    recipe.training.epochs, recipe.training.validate_every = 7, "2ep"
    named = {"data.dataset", "input_size", "training.batch_size", "training.epochs"}
    before = replace(recipe.training)
    lines = plan.plan(recipe, {*named, "training.validate_every", "model.weights"})
    assert (recipe.input_size, recipe.training) == ((64, 96), before)
    assert sum("as set" in text for _, text in lines) == 4


def test_what_is_left_open_is_decided(cells):
    recipe = recipe_of(cells, "detection")
    lines = dict(plan.plan(recipe, {"model.weights"}))
    assert recipe.data.dataset == "yolo"
    assert (recipe.input_size, recipe.training.batch_size) == ((96, 96), 2)
    assert recipe.training.epochs == 300
    assert recipe.training.validate_every == "37ep"
    assert list(lines) == ["data", "splits", "images", "network", "image size", "batch", "length"]


def test_several_folders_are_planned_each(cells, streets):
    parts = {"cells": Part(root=str(cells)), "streets": Part(root=str(streets))}
    recipe = MultiRecipe(datasets=parts, model=Model(heads={"detection": {}, "segmentation": {}}))
    plan.plan(recipe, {"model.weights"})
    assert [part.dataset for part in parts.values()] == ["yolo", "mask_folder"]
    assert [part.settings for part in parts.values()] == [{}, {}]


def test_without_weights_nothing_is_frozen(monkeypatch, cells, tmp_path):
    monkeypatch.setenv("DENSEFIT_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe = recipe_of(cells, "detection")
    recipe.model = Model("mobilenetv2", weights="imagenet", heads={"detection": {}})
    recipe.training.freeze = ["mobilenetv2_stem_*"]
    lines = dict(plan.plan(recipe, set()))
    assert (recipe.model.weights, recipe.training.freeze) == (None, [])
    assert "densefit weights fetch mobilenetv2" in lines["network"]


@pytest.mark.parametrize("tasks", [["detection"], ["keypoints"], ["detection", "segmentation"]])
def test_a_starting_recipe_has_a_head_for_each_task(tasks):
    recipe = starting_recipe(tasks)
    assert list(recipe["model"]["heads"]) == tasks
    assert recipe["out"] == f"runs/{'_'.join(tasks)}"
    best = {"detection": "detection/AP", "keypoints": None}
    assert recipe["training"].get("best") == (best[tasks[0]] if len(tasks) == 1 else "composite")


def test_an_unknown_task_is_told():
    with pytest.raises(ConfigError, match="did you mean 'detection'"):
        starting_recipe(["detecton"])


def test_folders_are_taken_out_of_the_words():
    with pytest.raises(ConfigError, match="--data names no folder"):
        split_folders(["--data", "--lr"])
    assert dataset_names(["a/x y", "b/x_y"]) == {"x_y": "a/x y", "x_y_2": "b/x_y"}


def test_options_beside_the_recipe():
    options, words = PlanOptions.of(
        ["--dry_run", "--time=1h", "--batch_size", "4", "--weights=none"]
    )
    assert options == PlanOptions(3600.0, is_dry=True)
    assert words == ["--batch_size", "4", "--model.weights", "null"]
    with pytest.raises(ConfigError, match="--time"):
        PlanOptions.of(["--time", "soon"])


def test_coco_with_files_of_keypoints_has_its_own_splits(tmp_path):
    data = {split: Shapes(4, (48, 64), split=split, keypoints=True) for split in ("train", "val")}
    convert(data, "coco", tmp_path / "a", lossy=True, verify=False)
    settings = Data(dataset="coco", root=str(tmp_path / "a"))
    assert "the folder's own splits" in plan_splits(settings)
    assert settings.splits is None
