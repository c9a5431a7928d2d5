"""Score a checkpoint on one of the datasets that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from densefit.data.classes.class_map import CLASS_TARGETS
from densefit.data.mixture.box_names import with_members
from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Dataset
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.registry import nearest
from densefit.tools.recipes.data.splits import renames_of_split
from densefit.tools.recipes.multi_recipe import Part, Shares
from densefit.tools.recipes.recipe import Data


class CheckpointDataset:
    """One dataset of a recipe with several, selected by name.

    Args:
        recipe: content of the recipe in a checkpoint.
        name: name of the dataset; may be None if the recipe has a single one.

    Attributes:
        name: name of the dataset.
        part: settings of the dataset.

    Raises:
        ConfigError: an unknown dataset, or no name for a recipe with several.
    """

    def __init__(self, recipe: Mapping[str, Any], name: str | None) -> None:
        datasets = recipe["datasets"]
        if name is None and len(datasets) == 1:
            name = next(iter(datasets))
        if name is None or name not in datasets:
            raise ConfigError(
                "The checkpoint was trained on several datasets: which one is to be scored?"
                if name is None
                else f"The checkpoint was not trained on a dataset {name!r}",
                expected=f"one of {', '.join(datasets)}",
                fix="--of NAME" if name is None else nearest(name, datasets),
            )
        self.name, self.part = name, Part(**datasets[name])
        self._shares = Shares(**recipe["mixture"])

    def data(self, settings: Data) -> Data:
        """Settings of the dataset; `root` and the workers of `settings` take precedence."""
        part = self.part
        return replace(
            settings,
            dataset=part.dataset,
            root=settings.root or part.root,
            train=part.train,
            validation=part.validation,
            test=part.test,
            splits=part.splits,
            group_by=part.group_by,
            settings=part.settings,
        )

    def as_trained(self, dataset: Dataset, heads: Sequence[Head]) -> Mixture:
        """Wrap the dataset so that ids and class indices are as the heads were trained."""
        classes: dict[str, list[str]] = {}
        targets = {
            name: renamed for name, renamed in self._shares.targets.items() if name == self.name
        }
        class_targets = {
            *CLASS_TARGETS,
            *(self._shares.classes or {}),
            *with_members(targets.get(self.name, {})).values(),
        }
        for head in heads:
            settings = [
                (target, getattr(head, setting, None))
                for setting, target in head.dataset_settings.items()
            ]
            for target, names in ((head.class_target, head.target_classes()), *settings):
                if target in class_targets and names and len(names) > len(classes.get(target, ())):
                    classes[target] = list(names)
        rename = {
            name: renames_of_split(self.part, None, dataset, renamed)
            for name, renamed in self._shares.rename.items()
            if name == self.name
        }
        return Mixture(
            {self.name: dataset},
            classes=classes,
            targets=targets,
            rename=rename,
            unknown=self._shares.unknown,
            lacking=self._shares.lacking,
        )
