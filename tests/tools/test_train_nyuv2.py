"""The recipe of LibMTL's protocol, on generated rooms in the layout of its data."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from densefit.config import read
from densefit.datasets import Rooms
from densefit.tools import train_multi
from densefit.tools.conversion.convert import convert
from densefit.tools.recipes.multi_recipe import MultiRecipe

CONFIG = Path(__file__).parents[2] / "configs/multi_resnet50_nyuv2.yaml"
#: The numbers of the paper's tables.
SCORES = {
    "segmentation": ("mIoU", "pixel_accuracy"),
    "depth": ("abs_err", "rel_err"),
    "normals": (
        *("mean_angle", "median_angle"),
        *("within_11.25", "within_22.5", "within_30"),
    ),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("rooms") / "nyuv2"
    splits = {split: Rooms(4, (32, 32), split=split) for split in ("train", "val")}
    convert(splits, "nyuv2", out, lossy=True, verify=False)
    return out


def smaller(path):
    """The recipe, for one update of a narrow network on small pictures."""
    recipe = yaml.safe_load(CONFIG.read_text())
    recipe["model"].update(backbone="resnet18", weights=None, settings={"width": 8})
    for head in recipe["model"]["heads"].values():
        head.update(channels=4, rates=[1, 2, 3])
    recipe["training"].update(epochs=1, batch_size=4, validate_every="1ep")
    recipe["training"]["schedule"]["at"] = ["50%"]
    recipe.update(input_size=[32, 32], score_batch_size=4, pictures=False)
    path.write_text(yaml.safe_dump(recipe))
    return path


def test_the_protocol():
    recipe = read(MultiRecipe, CONFIG)
    assert (recipe.data.train, recipe.data.validation, recipe.data.test) == ("train", "val", None)
    assert list(recipe.input_size) == [288, 384]
    assert recipe.training.schedule == {
        "name": "step", "lr": 1e-4, "at": ["100ep"], "factor": 0.5
    }  # fmt: skip
    assert recipe.training.optimizer_params == {"wd": 1e-5}
    assert (recipe.training.epochs, recipe.training.batch_size) == (200, 8)


def test_it_trains_and_has_the_scores_of_the_protocol(root, tmp_path):
    out = tmp_path / "run"
    config = smaller(tmp_path / "small.yaml")
    arguments = ["--config", str(config), "--data.root", str(root), "--out", str(out)]
    assert train_multi.main(arguments) == 0
    scores = json.loads((out / "scores.json").read_text())
    wanted = [f"{head}/{name}" for head, names in SCORES.items() for name in names]
    assert all(np.isfinite(scores[name]) for name in wanted)
    assert not any(name.startswith("depth/AbsRel") for name in scores)
