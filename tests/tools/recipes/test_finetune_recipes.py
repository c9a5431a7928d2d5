"""Recipes that tune pretrained networks are short, and the input size is a single setting."""

from pathlib import Path

import pytest

import densefit as df
from densefit.config import parse
from densefit.tools import train_det

RECIPE = Path(__file__).parents[3] / "configs" / "finetune_ssd_mobilenetv2.yaml"


def test_the_recipe_is_short_and_begins_with_imagenets_weights():
    assert len(RECIPE.read_text().splitlines()) < 40
    recipe, _ = parse(train_det.DetectionRecipe, ["--config", str(RECIPE)])
    assert recipe.model.weights == "imagenet"


def test_anchors_follow_the_input_size():
    recipe, _ = parse(train_det.DetectionRecipe, ["--config", str(RECIPE)])
    settings = recipe.model.heads["detection"]
    head = df.head("detection", classes=1, **settings)
    small, large = head.anchors((160, 160)), head.anchors((320, 320))
    assert len(large) > 3 * len(small)
    assert large.max() == pytest.approx(2 * small.max(), rel=0.1)


def test_it_trains_on_a_dataset(tmp_path):
    arguments = {
        "--data.dataset": "shapes",
        "--data.settings": "{length: 8, size: [64, 80]}",
        "--data.splits": "null",
        "--data.workers": "1",
        "--model.weights": "null",
        "--model.settings.multiplier": "0.25",
        "--training.epochs": "1",
        "--training.batch_size": "4",
        "--training.validate_every": "1ep",
        "--input_size": "[64, 64]",
        "--out": str(tmp_path / "run"),
    }
    words = [word for pair in arguments.items() for word in pair]
    assert train_det.main(["--config", str(RECIPE), *words]) == 0
    assert df.load(tmp_path / "run").backbone.multiplier == 0.25
