import os

import cv2
import numpy as np
import yaml

from densefit.tools import train_seg
from densefit.tools.recipes.data.paths import with_absolute_paths
from densefit.tools.recipes.multi_recipe import MultiRecipe, Part
from densefit.tools.recipes.recipe import Data, Recipe
from densefit.tools.scoring import score_trained


def test_places_of_data_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"json_path": "a.json", "image_root": "/b", "classes": ["x"], "masks": True}
    recipe = MultiRecipe(
        data=Data("coco", "there/../data", settings=settings, cache={"folder": "c", "disk": "1"}),
        datasets={"a": Part("voc", "voc", settings={"classes": "names.txt"}), "b": Part()},
    )
    found = with_absolute_paths(recipe)
    here = os.getcwd()
    assert found.data.root == f"{here}/data"
    assert found.data.settings == {**settings, "json_path": f"{here}/a.json"}
    assert found.data.cache == {"folder": f"{here}/c", "disk": "1"}
    assert found.datasets["a"].root == f"{here}/voc"
    assert found.datasets["a"].settings == {"classes": f"{here}/names.txt"}
    assert found.datasets["b"].root is None
    assert recipe.data.root == "there/../data"


def test_an_unknown_dataset_is_told_elsewhere():
    assert with_absolute_paths(Recipe(data=Data("nothing", "x"))).data.dataset == "nothing"


def test_a_run_on_a_relative_folder_is_scored_from_anywhere(tiny, tmp_path, monkeypatch, capsys):
    for kind, level in (("dark", 40), ("light", 200)):
        folder = tmp_path / "here" / "data" / "train" / kind
        folder.mkdir(parents=True)
        for index in range(4):
            cv2.imwrite(str(folder / f"{index}.png"), np.full((50, 60, 3), level, np.uint8))
    monkeypatch.chdir(tmp_path / "here")
    arguments = [*tiny(out="run", training__epochs=1), "--model.heads"]
    arguments += ["{kind: {task: classification}}", "--data.dataset", "image_folder"]
    arguments += ["--data.root", "data", "--data.settings", "{}", "--data.validation", "null"]
    assert train_seg.main([*arguments, "--data.test", "train"]) == 0

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert score_trained.main(["--checkpoint", str(tmp_path / "here" / "run")]) == 0
    recipe = yaml.safe_load((tmp_path / "here" / "run" / "config.yaml").read_text())
    assert recipe["data"]["root"] == str(tmp_path / "here" / "data")

    (tmp_path / "here" / "data").rename(tmp_path / "moved")
    given = ["--checkpoint", str(tmp_path / "here" / "run")]
    capsys.readouterr()
    assert score_trained.main(given) == 1
    assert "--data.root DIR" in capsys.readouterr().err
    assert score_trained.main([*given, "--data.root", "../moved"]) == 0
