"""The training data of two recipes, as data_speed.py and others read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.config import read
from densefit.data.loader.loader import Loader
from densefit.tools.recipes.recipe import Recipe, augmenting, make_dataset, train_loader
from densefit.tools.recipes.recipe_heads import make_network

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
FOLDERS = ("JPEGImages", "train")  # of the layouts of VOC, and of images and masks
RECIPES = {"bccd": "ssd_resnet18_bccd", "camvid": "deeplab_resnet18_camvid"}


@dataclass
class Case:
    """A recipe and where its data are.

    Attributes:
        recipe: the settings.
        dataset: the training pictures.
        network: without parameters.
    """

    recipe: Recipe
    dataset: Any
    network: Any

    @classmethod
    def of(cls, name: str, root: str) -> Case:
        """Read a recipe's training data."""
        recipe = read(Recipe, CONFIGS / f"{RECIPES[name]}.yaml")
        recipe.data.root = root
        dataset = make_dataset(recipe.data, recipe.data.train)
        return cls(recipe, dataset, make_network(recipe, dataset))

    @property
    def transform(self) -> Any:
        """The training augmentation."""
        return augmenting(self.recipe.training.augment, self.recipe)

    @property
    def heads(self) -> Any:
        """What the network's heads are."""
        return self.network.heads

    def loader(self, workers: int, kind: str = "threads") -> Loader:
        """As a training has it."""
        self.recipe.data.workers = workers
        self.recipe.data.worker_kind = kind
        return train_loader(self.recipe, self.dataset, self.network.heads)

    def pictures(self) -> list[Path]:
        """The training pictures' files."""
        folder = Path(str(self.recipe.data.root))
        places = [path for path in folder.rglob("*.jpg") if path.parent.name in FOLDERS]
        by_name = {path.stem: path for path in places}
        ids = [self.dataset.id_of(index) for index in range(len(self.dataset))]
        return [by_name[Path(key).name] for key in ids]
