"""The recipes of several tasks in configs/ fit together, with generated data in place of theirs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from densefit.config import read
from densefit.data.sample import datasets
from densefit.datasets.shapes import Shapes
from densefit.tools import train_multi
from densefit.tools.recipes.data.multi_dataset import prepare_datasets
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.tools.recipes.parts import make_balancer, make_schedule

CONFIGS = Path(__file__).parents[3] / "configs"
RECIPES = sorted(CONFIGS.glob("multi_*.yaml"))
OF = {
    "voc": ("mask", "instances", "instance_ids", "label"),
    "coco": ("instances", "instance_ids", "keypoints", "keypoint_flip", "labels"),
    "mask_folder": ("mask",),
    "depth_folder": ("mask", "depth"),
    "nyuv2": ("mask", "depth", "normals"),
    "bdd100k": ("drivable", "lanes"),
}
BOXES = ("boxes", "classes", "difficult", "crowd", "area")


class StandIn(Shapes):
    """Generated pictures with the targets that a recipe wants of another dataset."""

    def __init__(self, kind, root=None, split="train", **settings):
        super().__init__(16, (64, 80), split=split, keypoints=True)
        known = [*OF[kind], *(BOXES if kind in ("voc", "coco", "bdd100k") else ())]
        for target, setting in (("mask", "masks"), ("instances", "instances")):
            if kind == "voc" and not settings.get(setting):
                known = [name for name in known if not name.startswith(target[:8])]
        self.known = known
        self.drivable_classes, self.lanes_classes = ["none", "drivable"], ["none", "lane"]
        if kind.endswith("_folder") or kind == "nyuv2":
            self.classes = self.mask_classes

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        rng = np.random.default_rng(index)
        shown = np.isin(np.arange(3), sample.targets["classes"])
        sample.targets["labels"] = shown.astype(np.int64)
        sample.targets["depth"] = rng.uniform(1, 5, self.size).astype(np.float32)
        sample.targets["normals"] = np.full((*self.size, 3), (0, 0, 1), np.float32)
        is_shape = (sample.targets["mask"] > 0).astype(np.uint8)
        sample.targets.update(drivable=is_shape, lanes=1 - is_shape)
        kept = {name: own for name, own in sample.targets.items() if name in self.known}
        return replace(sample, targets=kept)


@pytest.fixture
def stand_ins(monkeypatch):
    def stand_in(kind):
        def make(root=None, split="train", **settings):
            return StandIn(kind, root, split, **settings)

        return make

    made = {kind: stand_in(kind) for kind in OF}
    monkeypatch.setattr(datasets, "_factories", {**datasets._factories, **made})


def recipe_of(path):
    """The recipe with folders, for any classes, in small batches."""
    recipe = read(MultiRecipe, path)
    for own in recipe.datasets.values() or [recipe.data]:
        own.root, own.rename = "somewhere", {}
    for settings in recipe.model.heads.values():
        settings.pop("class_weights", None)
        settings.pop("classes", None)
    recipe.training.batch_size = 4
    return recipe


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_several_tasks_can_be_prepared(path, stand_ins):
    recipe = recipe_of(path)
    prepared = prepare_datasets(recipe)
    assert [head.name for head in prepared.network.heads] == list(recipe.model.heads)
    batch = next(iter(prepared.train))
    assert {key.split("/")[0] for key in batch.labelled} == set(recipe.model.heads)
    assert make_schedule(recipe.training).resolve(1000, 100)(0) >= 0
    balancer = make_balancer(recipe.training.balance)
    if balancer is not None:
        balancer.begin(list(recipe.model.heads), 1000, 100)
    assert recipe.training.best == "composite"
    names = list(recipe.model.heads)
    alone = prepare_datasets(replace(recipe_of(path), only=names[-1:]))
    assert [head.name for head in alone.network.heads] == names[-1:]


def test_the_generated_recipe_trains(tmp_path):
    arguments = ["--config", str(CONFIGS / "multi_resnet18_shapes.yaml"), "--out", str(tmp_path)]
    arguments += ["--data.settings", "{length: 16, size: [96, 96], keypoints: true}"]
    arguments += [
        "--training.epochs",
        "1",
        "--training.conflict",
        "1",
        "--training.batch_size",
        "8",
    ]
    assert train_multi.main([*arguments, "--model.settings.width", "8"]) == 0
    assert (tmp_path / "scores.json").exists()
    assert (tmp_path / "predictions.png").exists()
    assert (tmp_path / "conflict.json").exists()
