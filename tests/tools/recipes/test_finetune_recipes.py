"""Recipes that tune pretrained networks are short, and the input size is a single setting."""

from pathlib import Path

import pytest

import densefit as df
from densefit.config import parse
from densefit.tools import train_det, train_seg

CONFIGS = Path(__file__).parents[3] / "configs"
TOOLS = {"ssd": train_det, "deeplab": train_seg, "unet": train_seg}


def config(kind):
    return CONFIGS / f"finetune_{kind}_mobilenetv2.yaml"


def recipe_of(kind):
    schema = train_det.DetectionRecipe if kind == "ssd" else train_seg.SegmentationRecipe
    return parse(schema, ["--config", str(config(kind))])[0]


def test_all_are_tried():
    assert {path.stem.split("_")[1] for path in CONFIGS.glob("finetune_*.yaml")} == set(TOOLS)


@pytest.mark.parametrize("kind", TOOLS)
def test_a_recipe_is_short_and_begins_with_imagenets_weights(kind):
    assert len(config(kind).read_text().splitlines()) < 40
    assert recipe_of(kind).model.weights == "imagenet"


def test_anchors_follow_the_input_size():
    settings = recipe_of("ssd").model.heads["detection"]
    head = df.head("detection", classes=1, **settings)
    small, large = head.anchors((160, 160)), head.anchors((320, 320))
    assert len(large) > 3 * len(small)
    assert large.max() == pytest.approx(2 * small.max(), rel=0.1)


@pytest.mark.parametrize("kind", TOOLS)
def test_it_trains_on_a_dataset(kind, tmp_path):
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
    assert TOOLS[kind].main(["--config", str(config(kind)), *words]) == 0
    network = df.load(tmp_path / "run")
    assert network.backbone.multiplier == 0.25
