"""Validation data of a mixture, with its target names, class names and class indices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from densefit.data.classes.class_map import OBJECTS
from densefit.data.classes.renamed_classes import names_of
from densefit.data.sample import Dataset
from densefit.data.targets_present import targets_present
from densefit.errors import ConfigError, located
from densefit.registry import nearest

if TYPE_CHECKING:
    from densefit.data.mixture.mixture import Mixture


@runtime_checkable
class DatasetLoader(Protocol):
    """A loader of densefit, as far as it is needed here."""

    dataset: Any

    def with_dataset(self, dataset: Any) -> Any: ...


AnyLoader = TypeVar("AnyLoader", bound=DatasetLoader)


def validation_loaders(mixture: Mixture, loaders: Mapping[str, AnyLoader]) -> dict[str, AnyLoader]:
    """Make loaders of the same data, renamed and numbered as the mixture's training data are.

    Args:
        mixture: the training data.
        loaders: name of a dataset of the mixture -> loader of its validation data, made without
            `heads`, which know the mixture's names alone.

    Raises:
        ConfigError: a name that is not in the mixture, something else than a loader, or a class
            that the mixture lacks.
    """
    where = "mixture.validation"
    if not isinstance(loaders, Mapping) or not loaders:
        raise ConfigError(
            "The validation data of a mixture have the names of its datasets",
            expected=f"name -> loader, of {', '.join(mixture.datasets)}",
            received=repr(loaders)[:80],
            where=where,
        )
    for name, loader in loaders.items():
        if name not in mixture.datasets:
            raise ConfigError(
                f"The mixture has no dataset {name!r} to validate",
                where=where,
                fix=nearest(name, mixture.datasets),
            )
        if not isinstance(loader, DatasetLoader):
            raise ConfigError(
                f"The validation data of the dataset {name!r} are no loader of densefit",
                expected="a df.Loader",
                received=type(loader).__qualname__,
                where=where,
                fix=f"{{{name!r}: df.Loader(dataset, batch_size=...)}}",
            )
    renumbered = {}
    for name, loader in loaders.items():
        with located(f"{where}, dataset {name!r}"):
            dataset = as_in(mixture, name, loader.dataset)
            renumbered[name] = loader.with_dataset(dataset)
    return renumbered


def as_in(mixture: Mixture, name: str, dataset: Dataset) -> Mixture:
    """Wrap a dataset with the names and class indices of the mixture's dataset of this name."""
    present = targets_present(dataset)
    targets = {
        old: new
        for old, new in mixture.settings["targets"].get(name, {}).items()
        if old in present.names or not present.are_all
    }
    classes = names_of(dataset)
    rename = {
        old: new for old, new in mixture.settings["rename"].get(name, {}).items() if old in classes
    }
    return type(mixture)(
        {name: dataset},
        classes={OBJECTS: list(mixture.classes), **mixture.class_lists},
        targets={name: targets},
        rename={name: rename},
        unknown=mixture.settings["unknown"],
        lacking=mixture.settings["lacking"],
    )
