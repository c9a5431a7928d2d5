import re

import numpy as np
import pytest
import yaml

from densefit.checkpoint.storage import store
from densefit.data.classes.label_weights import label_weights
from densefit.data.classes.pixel_weights import median_frequency_weights
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.tools import score, train_seg
from densefit.tools.recipes import class_weights
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data, Model, Recipe
from densefit.tools.recipes.recipe_heads import make_network

HEADS = "{segmentation: {decoder: fcn, channels: 8, class_weights: auto}}"


def weights_in(recipe):
    return recipe["model"]["heads"]["segmentation"]["class_weights"]


def test_computed_once_shown_and_recorded(tiny, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    arguments = [*tiny(out=out, training__epochs=1), "--model.heads", HEADS]
    assert train_seg.main(arguments) == 0
    shown = capsys.readouterr().out
    (line,) = re.findall(r"class weights of 'segmentation' \(median frequency, .*", shown)
    recorded = weights_in(yaml.safe_load((out / "config.yaml").read_text()))
    assert recorded == weights_in(
        store.read(out / "checkpoints/last", only=[])[1]["extra"]["recipe"]
    )
    settings = yaml.safe_load((out / "config.yaml").read_text())["data"]
    dataset = make_dataset(Data(settings=settings["settings"]), "train")
    expected = median_frequency_weights(dataset)
    np.testing.assert_allclose(recorded, expected, rtol=1e-5)
    assert f"background {recorded[0]:.3g}" in line

    def refuse(*arguments, **settings):
        raise AssertionError("the weights are computed again")

    monkeypatch.setattr(class_weights, "median_frequency_weights", refuse)
    assert train_seg.main([*arguments, "--training.epochs", "2", "--resume", "auto"]) == 0
    assert weights_in(yaml.safe_load((out / "config.yaml").read_text())) == recorded
    assert score.main(["--checkpoint", str(out), "--out", str(tmp_path / "scores")]) == 0
    again = ["--config", str(out / "config.yaml"), "--out", str(tmp_path / "again")]
    assert train_seg.main([*again, "--training.epochs", "1"]) == 0


def network_of(**heads):
    recipe = Recipe(model=Model(settings={"width": 8}, heads=heads))
    return make_network(recipe, Shapes(length=4, split="train")), recipe


def test_heads_have_the_weights():
    network, recipe = network_of(
        segmentation={"class_weights": "auto"}, kind={"task": "classification"}
    )
    weights = recipe.model.heads["segmentation"]["class_weights"]
    head = network.heads[0]
    np.testing.assert_allclose(
        head._class_weights[: len(head.classes)], np.array(weights, np.float32)
    )
    plain, _ = network_of(segmentation={})
    assert (plain.heads[0]._class_weights[: len(head.classes)] == 1).all()


def test_parts_of_a_panoptic_head():
    settings = {"task": "panoptic", "segmentation": {"class_weights": "auto"}}
    network, recipe = network_of(whole=settings)
    weights = recipe.model.heads["whole"]["segmentation"]["class_weights"]
    assert len(weights) == len(network.heads[0].classes)


def test_other_heads_are_refused():
    with pytest.raises(ConfigError, match=r"those of masks, or of one[\s\S]*model\.heads\.tags"):
        network_of(tags={"task": "multilabel", "classes": ["a", "b"], "class_weights": "auto"})


def test_square_roots(capsys):
    whole = network_of(segmentation={"class_weights": "auto"})[1]
    roots = network_of(segmentation={"class_weights": "auto_sqrt"})[1]
    weights, root = (r.model.heads["segmentation"]["class_weights"] for r in (whole, roots))
    np.testing.assert_allclose(root, np.sqrt(weights), rtol=1e-4)
    assert "(square roots of median frequency, 4 samples)" in capsys.readouterr().out


def test_of_classification():
    network, recipe = network_of(kind={"task": "classification", "class_weights": "auto"})
    weights = recipe.model.heads["kind"]["class_weights"]
    assert network.heads[0].class_weights == weights
    dataset = Shapes(length=4, split="train")
    np.testing.assert_allclose(weights, label_weights(dataset, network.heads[0]), rtol=1e-5)
