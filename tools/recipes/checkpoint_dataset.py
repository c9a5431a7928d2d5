"""One of the several datasets that a checkpoint was trained on, as it is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from densefit.data.classes.class_map import CLASS_TARGETS
from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Dataset
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.registry import nearest
from densefit.tools.recipes.multi_recipe import Part, Shares
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.splits import renames_of_split


class TrainedPart:
    """A dataset of a recipe with several.

    Args:
        recipe: as a checkpoint keeps it.
        name: of the dataset; None if there is only one.

    Attributes:
        name: of the dataset.
        part: what it is.

    Raises:
        ConfigError: no such dataset, or several and none is named.
    """

    def __init__(self, recipe: Mapping[str, Any], name: str | None) -> None:
        known = recipe["datasets"]
        if name is None and len(known) == 1:
            name = next(iter(known))
        if name is None or name not in known:
            raise ConfigError(
                "The checkpoint was trained on several datasets: which one is to be scored?"
                if name is None
                else f"The checkpoint was not trained on a dataset {name!r}",
                expected=f"one of {', '.join(known)}",
                fix="--of NAME" if name is None else nearest(name, known),
            )
        self.name, self.part = name, Part(**known[name])
        self._shares = Shares(**recipe["mixture"])

    def data(self, own: Data) -> Data:
        """The dataset's settings; the folder and the workers are those of `own`, if given."""
        part = self.part
        return replace(
            own,
            dataset=part.dataset,
            root=own.root or part.root,
            train=part.train,
            validation=part.validation,
            test=part.test,
            settings=part.settings,
        )

    def as_trained(self, dataset: Dataset, heads: Sequence[Head]) -> Mixture:
        """The dataset with ids and class numbers as the heads have learned them."""
        classes: dict[str, list[str]] = {}
        targets = {name: own for name, own in self._shares.targets.items() if name == self.name}
        known = {
            *CLASS_TARGETS,
            *(self._shares.classes or {}),
            *targets.get(self.name, {}).values(),
        }
        for head in heads:
            told = [
                (held, getattr(head, setting, None))
                for setting, held in head.dataset_settings.items()
            ]
            for held, names in ((head.class_target, head.target_classes()), *told):
                if held in known and names and len(names) > len(classes.get(held, ())):
                    classes[held] = list(names)
        rename = {
            name: renames_of_split(self.part, None, dataset, own)
            for name, own in self._shares.rename.items()
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
