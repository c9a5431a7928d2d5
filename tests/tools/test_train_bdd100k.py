"""The recipe of YOLOP's kind, on generated streets in the layout of BDD100K."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from densefit.tools import train_multi

CONFIG = Path(__file__).parents[2] / "configs/multi_cspdarknet_bdd100k.yaml"
SIZE = (48, 64)


def write(root, split, count=4):
    """Pictures of a road with two lines and a coloured car, and a person."""
    frames = []
    for index in range(count):
        picture = np.full((*SIZE, 3), 180, np.uint8)
        drivable, lanes = np.full(SIZE, 2, np.uint8), np.full(SIZE, 255, np.uint8)
        picture[24:], drivable[24:, :40], drivable[24:, 40:] = 90, 0, 1
        picture[24:, [20, 40]], lanes[24:, [20, 40]] = 255, 6
        x = 2 + 8 * index
        picture[20:36, x : x + 20] = (200, 30, 30)
        boxes = {"car": (x, 20, x + 20, 36), "pedestrian": (50, 10, 56, 30)}
        labels = [
            {"category": name, "box2d": dict(zip(("x1", "y1", "x2", "y2"), box))}
            for name, box in boxes.items()
        ]
        frames.append({"name": f"{index}.jpg", "labels": labels})
        for folder, array in (
            (f"images/100k/{split}", picture),
            (f"labels/drivable/masks/{split}", drivable),
            (f"labels/lane/masks/{split}", lanes),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            ending = "jpg" if array.ndim == 3 else "png"
            cv2.imwrite(str(root / folder / f"{index}.{ending}"), array)
    (root / "labels/det_20").mkdir(exist_ok=True)
    (root / f"labels/det_20/det_{split}.json").write_text(json.dumps(frames))


@pytest.fixture
def root(tmp_path):
    for split in ("train", "val"):
        write(tmp_path / "bdd100k", split)
    return tmp_path


def test_it_trains_and_scores_all_three_tasks(root, tmp_path):
    recipe = yaml.safe_load(CONFIG.read_text())
    recipe["model"]["settings"] = {"width": 8}
    recipe["model"]["heads"]["vehicles"]["channels"] = 8
    for name in ("drivable", "lanes"):
        recipe["model"]["heads"][name]["channels"] = 4
    recipe["training"].update(epochs=1, batch_size=4, validate_every="1ep")
    recipe["training"]["schedule"] = {"name": "constant", "lr": 0.01}
    recipe.update(input_size=[32, 64], score_batch_size=4, pictures=False)
    config, out = tmp_path / "small.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(recipe))
    arguments = ["--config", str(config), "--data.root", str(root), "--out", str(out)]
    assert train_multi.main(arguments) == 0
    scores = json.loads((out / "scores.json").read_text())
    assert {"vehicles/AP", "vehicles/AP/vehicle", "vehicles/VOC50/vehicle"} <= set(scores)
    assert not any("pedestrian" in name for name in scores)
    for name in ("drivable/mIoU", "drivable/IoU/drivable", "lanes/mIoU", "lanes/IoU/lane"):
        assert np.isfinite(scores[name])
