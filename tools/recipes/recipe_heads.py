"""Heads and network of a recipe; settings that the recipe leaves out come from the dataset."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Dataset
from densefit.data.wrapped import classes_attribute
from densefit.errors import ConfigError
from densefit.model.heads.head import Head, head, heads
from densefit.model.network import Network
from densefit.model.sharing.branches import shared_by
from densefit.model.sharing.sharing import sharing_between
from densefit.registry import nearest
from densefit.tools.recipes.class_weights import with_class_weights
from densefit.tools.recipes.recipe import Model, Recipe


def make_heads(
    model: Model, dataset: Any, sources: Mapping[str, Dataset] | None = None
) -> list[Head]:
    """Make the heads; classes and keypoints that are not set come from the dataset.

    Args:
        model: the recipe's network.
        dataset: the training data; a Mixture for several datasets.
        sources: datasets of the mixture by name. The setting `from` of a head names the dataset
            that settings come from. Heads whose target has common class names in the mixture
            (boxes, masks, labels) do not need it.

    Raises:
        ConfigError: no head, an unknown dataset, or classes that differ from the mixture's.
    """
    new_heads = []
    for name, settings in model.heads.items():
        settings = dict(settings)
        if "task" not in settings and name not in heads.names():
            raise ConfigError(
                f"The head {name!r} is no task, and does not say which one it has",
                where=f"model.heads.{name}",
                fix=nearest(name, {*heads.names(), *model.heads} - {name}),
            )
        task, source = settings.pop("task", name), settings.pop("from", None)
        head_dataset = dataset
        if source is not None:
            if source not in (sources or {}):
                raise ConfigError(
                    f"The head {name!r} has its names from no dataset {source!r}",
                    where=f"model.heads.{name}.from",
                    fix=nearest(source, sources) if sources else "leave `from` out",
                )
            head_dataset = (sources or {})[source]
        stated = "classes" in settings
        complete = {
            **settings_from_dataset(head_dataset, dataset, name, task, settings),
            **settings,
        }
        make = partial(head, task, name=name)
        new = with_class_weights(make, complete, model.heads[name], dataset)
        if sources:
            check_classes(new, dataset, stated or source is not None)
        new_heads.append(new)
    if not new_heads:
        raise ConfigError("The recipe has no head", fix="--model.heads.NAME.task TASK")
    return new_heads


def settings_from_dataset(
    dataset: Any, whole: Any, name: str, task: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Settings of a head that come from a dataset, as the head's class declares them.

    Args:
        dataset: source of the settings.
        whole: the training data, whose class indices the targets have: `dataset` or a mixture.
        name: name of the head.
        task: task of the head.
        settings: settings of the recipe.

    Raises:
        ConfigError: the head needs classes, and neither the recipe nor its class declares them.
    """
    kind = heads.get(task)
    taken = inspect.signature(kind).parameters
    needed = taken.get("classes")
    if not (isinstance(kind, type) and issubclass(kind, Head)):
        return {}  # a factory function has no declarations
    result: dict[str, Any] = {}
    source, prefix = kind.class_source(settings), kind.attribute_prefix(settings)
    if needed is not None and "classes" not in settings:
        if source is not None:
            subset = _attribute(dataset, kind.class_subset or "", prefix)
            some = getattr(dataset, subset, None) if kind.class_subset else None
            result["classes"] = some or classes_in(dataset, source, kind.class_target)
        elif needed.default is needed.empty:
            raise ConfigError(
                f"Nobody says which classes the head {name!r} has",
                where=f"model.heads.{name}",
                fix=f"classes: a list; or let the class {kind.__name__} say of which target they "
                f'are: class_target = "TARGET"',
            )
    if "among" in taken and source is not None and not isinstance(settings.get("classes"), int):
        result["among"] = classes_in(whole, source, kind.class_target)
    attributes = {
        key: _attribute(dataset, attribute, prefix)
        for key, attribute in kind.dataset_settings.items()
    }
    has_settings = all(hasattr(dataset, attribute) for attribute in attributes.values())
    if has_settings and not attributes.keys() & settings.keys():
        result.update({key: getattr(dataset, name) for key, name in attributes.items()})
    return {key: value for key, value in result.items() if value is not None}


def _attribute(dataset: Any, name: str, prefix: str) -> str:
    """The attribute of a dataset for a head of renamed boxes; their own dataset has not renamed."""
    renamed = hasattr(dataset, prefix + name) or hasattr(dataset, f"{prefix}classes")
    return prefix + name if renamed else name


def classes_in(dataset: Any, *targets: str | None) -> list[str] | None:
    """Class names of the first target that a dataset lists, else its `classes`, else None."""
    lists = [getattr(dataset, classes_attribute(target), None) for target in targets if target]
    result = next((names for names in lists if names), getattr(dataset, "classes", None))
    return None if result is None else list(result)


def check_classes(head: Head, mixture: Mixture, is_chosen: bool) -> None:
    """Check that a head's classes match the class indices in a mixture's targets.

    Args:
        head: head to train.
        mixture: several datasets, with class names for each target that holds classes.
        is_chosen: whether the recipe sets the classes, or the dataset that they come from.

    Raises:
        ConfigError: the classes differ, or their dataset is ambiguous.
    """
    for setting, target in head.dataset_settings.items():
        listed, names = mixture.class_lists.get(target), getattr(head, setting, None)
        if listed is not None and names is not None and list(names) != list(listed):
            raise ConfigError(
                f"The {setting} of the head {head.name!r} are not the classes of the mixture",
                expected=f"{list(listed)}, in this order",
                received=list(names),
                where=f"head {head.name!r}, target {target!r}",
                fix=f"leave `{setting}` and `from` out, or choose the common ones: mixture.classes",
            )
    if not hasattr(head, "classes"):
        return
    common = None if head.class_target is None else mixture.class_lists.get(head.class_target)
    if common is not None:
        if head.target_classes() != list(common):
            raise ConfigError(
                f"The classes of the head {head.name!r} are not those of the mixture",
                expected=f"{common}, in this order",
                received=head.target_classes(),
                where=f"head {head.name!r}, target {head.class_target!r}",
                fix="leave the head's classes out, or choose the common ones: mixture.classes and "
                "mixture.rename",
            )
    elif head.targets and not is_chosen and head.class_target not in mixture.class_targets:
        # a target that no dataset has is an error of the loader
        raise ConfigError(
            f"Which dataset's classes has the head {head.name!r}?",
            where=f"model.heads.{head.name}, which learns {', '.join(head.targets)}",
            expected=f"those of a target with common names: {', '.join(mixture.class_lists)}",
            received=head.class_target,
            fix=f"{_meant(head, mixture)}from: the name of a dataset; or classes: a list",
        )


def _meant(head: Head, mixture: Mixture) -> str:
    """Suggest a target for a head whose target the recipe has changed."""
    target = str(head.class_target)
    close = difflib.get_close_matches(target, mixture.class_lists, n=1)
    return f"did you mean {close[0]!r}? " if close and target != type(head).class_target else ""


def make_network(
    recipe: Recipe, dataset: Dataset, sources: Mapping[str, Dataset] | None = None
) -> Network:
    """Make the heads and the network, without parameters; see `make_heads`."""
    return network_of(recipe.model, make_heads(recipe.model, dataset, sources))


def network_of(model: Model, heads: Sequence[Head]) -> Network:
    """Make the network of existing heads."""
    return Network(
        model.backbone,
        heads,
        settings=model.settings,
        output_stride=model.output_stride,
        share_until=shared_by(model.share_until, [head.name for head in heads]),
        normalize_by_head=model.normalize_by_head,
        adapt_by_head=model.adapt_by_head,
        sharing=sharing_between(model.sharing, [head.name for head in heads]),
    )
