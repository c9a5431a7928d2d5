"""The recipe of COCO's boxes, masks, keypoints and labels, from two files a split to scores."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from densefit.config import read
from densefit.tasks.keypoints.skeleton import COCO_NAMES
from densefit.tools import score, train_multi
from densefit.tools.recipes.data.multi_dataset import prepare_datasets
from densefit.tools.recipes.multi_recipe import MultiRecipe

CONFIG = Path(__file__).parents[2] / "configs/multi_resnet18_coco.yaml"
NAMES = ["person", "car", "dog"]
IDS = [1, 3, 18]
SIZE = (48, 64)


def write(root, split, persons):
    """Four pictures with a coloured box of each class, or of all but persons."""
    rng = np.random.default_rng(0)
    images, objects, posed = [], [], []
    (root / "images" / split).mkdir(parents=True)
    (root / "annotations").mkdir(exist_ok=True)
    for key in range(4):
        file = f"{key}.png"
        images.append({"id": key, "file_name": file, "height": SIZE[0], "width": SIZE[1]})
        picture = np.full((*SIZE, 3), 90, np.uint8)
        for number, category in enumerate(IDS):
            if category == 1 and not persons:
                continue
            x, y = 2 + 20 * number, int(rng.integers(2, 20))
            box = [x, y, 18, 26]
            picture[y : y + 26, x : x + 18] = np.eye(3, dtype=np.uint8)[number] * 200
            polygon = [x, y, x + 18, y, x + 18, y + 26, x, y + 26]
            one = {"id": 10 * key + number, "image_id": key, "category_id": category, "bbox": box}
            objects.append({**one, "area": 468.0, "iscrowd": 0, "segmentation": [polygon]})
            if category == 1:
                flat = [[x + i % 18, y + i, 2] for i in range(len(COCO_NAMES))]
                posed.append({**objects[-1], "keypoints": sum(flat, [])})
        cv2.imwrite(str(root / "images" / split / file), picture)
    person = {"id": 1, "name": "person", "keypoints": COCO_NAMES, "skeleton": [[16, 14]]}
    everything = [{"id": key, "name": name} for key, name in zip(IDS, NAMES)]
    for kind, categories, annotations in (
        ("instances", everything, objects),
        ("person_keypoints", [person], posed),
    ):
        content = {"images": images, "categories": categories, "annotations": annotations}
        (root / f"annotations/{kind}_{split}.json").write_text(json.dumps(content))


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "train2017", persons=True)
    write(tmp_path, "val2017", persons=True)
    return tmp_path


def smaller(path):
    """The recipe, for one update of a narrow network on small pictures."""
    recipe = yaml.safe_load(CONFIG.read_text())
    recipe["model"]["settings"] = {"width": 8}
    instance = recipe["model"]["heads"]["instance"]
    instance.update(channels=8, detection={"strides": [8, 16], "channels": 8})
    recipe["model"]["heads"]["keypoints"]["channels"] = 8
    recipe["training"].update(epochs=1, batch_size=4, conflict=1, validate_every="1ep")
    recipe["training"].update(augment=[{"name": "random_flip"}])
    recipe["training"]["schedule"] = {"name": "constant", "lr": 0.01}
    recipe.update(input_size=[64, 64], score_batch_size=4)
    path.write_text(yaml.safe_dump(recipe))
    return path


def test_all_heads_but_that_of_keypoints_have_all_classes(root):
    recipe = read(MultiRecipe, CONFIG)
    recipe.data.root, recipe.data.workers, recipe.training.batch_size = str(root), 1, 4
    heads = {head.name: head for head in prepare_datasets(recipe).network.heads}
    assert heads["instance"].classes == heads["shown"].classes == NAMES
    assert heads["keypoints"].classes == ["person"]
    assert heads["keypoints"].among == NAMES
    assert heads["keypoints"].skeleton.names == COCO_NAMES


def test_pictures_without_persons_are_labelled_for_every_head(tmp_path):
    write(tmp_path, "train2017", persons=False)
    write(tmp_path, "val2017", persons=False)
    recipe = read(MultiRecipe, CONFIG)
    recipe.data.root, recipe.data.workers, recipe.training.batch_size = str(tmp_path), 1, 4
    batch = next(iter(prepare_datasets(recipe).train))
    for name in ("instance", "keypoints", "shown"):
        assert batch.labelled[name].all(), name


def test_it_trains_and_a_checkpoint_is_scored_again(root, tmp_path):
    out = tmp_path / "run"
    config = smaller(tmp_path / "small.yaml")
    arguments = ["--config", str(config), "--data.root", str(root), "--out", str(out)]
    assert train_multi.main(arguments) == 0
    scores = json.loads((out / "scores.json").read_text())
    assert {f"instance/AP/{name}" for name in NAMES} <= set(scores)
    assert {name for name in scores if name.startswith("keypoints/AP/")} == {"keypoints/AP/person"}
    assert all(np.isfinite(scores[f"{head}/AP"]) for head in ("instance", "keypoints"))
    drawn = cv2.imread(str(out / "predictions.png"))
    assert drawn.std() > 0
    assert {f"instance/box_AP/{name}" for name in NAMES} <= set(scores)
    again = tmp_path / "again"
    assert score.main(["--checkpoint", str(out), "--out", str(again)]) == 0
    assert json.loads((again / "scores.json").read_text()) == pytest.approx(scores, nan_ok=True)
