"""The training data of two recipes, as data_speed.py and others read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.config import read
from densefit.data.loader.loader import Loader
from densefit.tools.recipes.data.loaders import augmenting, train_loader
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Recipe
from densefit.tools.recipes.recipe_heads import make_network

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
FOLDERS = ("JPEGImages", "train")  # of the layouts of VOC, and of images and masks
RECIPES = {"bccd": "ssd_resnet18_bccd", "camvid": "deeplab_resnet18_camvid"}


@dataclass
class Case:
    """A recipe with its training data and network.

    Attributes:
        recipe: settings of the training.
        dataset: training pictures.
        network: a network without parameters.
    """

    recipe: Recipe
    dataset: Any
    network: Any

    @classmethod
    def of(cls, name: str, root: str, smallest: bool = False) -> Case:
        """Read a recipe and its training data.

        Args:
            name: of the recipe: bccd or camvid.
            root: folder of the data.
            smallest: whether the input is of 64x64, a batch has two samples, and the network an
                eighth of the channels.
        """
        recipe = read(Recipe, CONFIGS / f"{RECIPES[name]}.yaml")
        recipe.data.root = root
        if smallest:
            recipe.input_size, recipe.training.batch_size = (64, 64), 2
            recipe.model.settings = {**recipe.model.settings, "width": 8}
            for transform in recipe.training.augment:
                transform.update(dict.fromkeys({"height", "width"} & set(transform), 64))
        dataset = make_dataset(recipe.data, recipe.data.train)
        return cls(recipe, dataset, make_network(recipe, dataset))

    @property
    def transform(self) -> Any:
        """The training augmentation."""
        return augmenting(self.recipe.training.augment, self.recipe)

    @property
    def heads(self) -> Any:
        """Heads of the network."""
        return self.network.heads

    def loader(self, workers: int, kind: str = "threads") -> Loader:
        """Make the loader of a training."""
        self.recipe.data.workers = workers
        self.recipe.data.worker_kind = kind
        return train_loader(self.recipe, self.dataset, self.network.heads)

    def pictures(self) -> list[Path]:
        """Paths of the training pictures."""
        folder = Path(str(self.recipe.data.root))
        paths = [path for path in folder.rglob("*.jpg") if path.parent.name in FOLDERS]
        by_name = {path.stem: path for path in paths}
        ids = [self.dataset.id_of(index) for index in range(len(self.dataset))]
        return [by_name[Path(key).name] for key in ids]
