"""The heads and the network of a recipe; what they do not state, the dataset tells them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.class_map import CLASS_TARGETS, OBJECTS
from densefit.data.sample import Dataset
from densefit.data.target import KINDS
from densefit.errors import ConfigError
from densefit.model.head import Head, head, heads
from densefit.model.network import Network
from densefit.registry import nearest
from densefit.tools.recipe import Model, Recipe

# Which list of names a built-in task takes its classes from; others take `classes`.
CLASS_LISTS = {
    "detection": "classes",
    "segmentation": "mask_classes",
    "classification": "label_classes",
    "multilabel": "labels_classes",
    "panoptic": "mask_classes",
    "keypoints": "keypoint_classes",
}
# What else a built-in task is told by a dataset that knows it: setting -> attribute.
FACTS = {"keypoints": {"keypoints": "keypoint_names", "limbs": "limbs", "flip_pairs": "flip_pairs"}}


def make_heads(
    model: Model, dataset: Any, sources: Mapping[str, Dataset] | None = None
) -> list[Head]:
    """The heads; one that does not state its classes, or its keypoints, has the dataset's.

    Args:
        model: the recipe's network.
        dataset: that is trained on; a Mixture of several.
        sources: its datasets by name. The setting `from` of a head says which of them tells it
            what it does not state. One that learns what the mixture has a list of names of (boxes,
            masks, labels) needs none: it has the mixture's.

    Raises:
        ConfigError: no head, an unknown dataset, or classes that are not those of the mixture.
    """
    made = []
    for name, settings in model.heads.items():
        settings = dict(settings)
        task, source = settings.pop("task", name), settings.pop("from", None)
        told = dataset
        if source is not None:
            if source not in (sources or {}):
                raise ConfigError(
                    f"The head {name!r} has its names from no dataset {source!r}",
                    where=f"model.heads.{name}.from",
                    fix=nearest(source, sources) if sources else "leave `from` out",
                )
            told = (sources or {})[source]
        taken = inspect.signature(heads.get(task)).parameters
        stated = "classes" in settings
        if "things" in taken and getattr(told, "classes", None):
            settings.setdefault("things", list(told.classes))
        if "classes" in taken:
            attribute = CLASS_LISTS.get(task, "classes")
            classes = getattr(told, attribute, None) or getattr(told, "classes", None)
            if classes is not None:
                settings.setdefault("classes", list(classes))
        if "among" in taken and not isinstance(settings.get("classes"), int):
            settings.setdefault("among", list(dataset.classes))  # whose numbers the targets have
        facts = FACTS.get(task, {})
        if not facts.keys() & settings.keys() and all(hasattr(told, a) for a in facts.values()):
            settings.update({key: getattr(told, name) for key, name in facts.items()})
        new = head(task, name=name, **settings)
        if sources:
            check_classes(new, dataset, stated or source is not None)
        made.append(new)
    if not made:
        raise ConfigError("The recipe has no head", fix="--model.heads.NAME.task TASK")
    return made


def check_classes(head: Head, mixture: Any, told: bool) -> None:
    """Whether a head's classes are those that the numbers in a mixture's targets stand for.

    Args:
        head: what learns from it.
        mixture: of several datasets, with one list of names for each target that holds classes.
        told: whether the classes are stated, or of a dataset that the recipe names.

    Raises:
        ConfigError: they are others, or nobody says whose they are.
    """
    if not hasattr(head, "classes"):
        return
    for target in head.targets:
        held = class_target(target)
        if held is None:
            continue
        if held != OBJECTS and not hasattr(mixture, f"{held}_classes"):
            return  # nobody has what the head learns, which its loader tells
        common = list(mixture.classes if held == OBJECTS else getattr(mixture, f"{held}_classes"))
        own = numbered_classes(head)
        if own != common:
            raise ConfigError(
                f"The classes of the head {head.name!r} are not those of the mixture",
                expected=f"{common}, in this order",
                received=own,
                where=f"head {head.name!r}, target {held!r}",
                fix="leave the head's classes out, or choose the common ones: mixture.classes and "
                "mixture.rename",
            )
        return
    if head.targets and not told:
        raise ConfigError(
            f"Which dataset's classes has the head {head.name!r}?",
            where=f"model.heads.{head.name}, which learns {', '.join(head.targets)}",
            fix="from: the name of a dataset; or classes: a list",
        )


def numbered_classes(head: Head) -> list[str]:
    """The classes that the numbers in a head's targets stand for: it may look at some of them."""
    among = getattr(head, "among", None)
    return list(getattr(head, "classes", ()) if among is None else among)


def class_target(target: str) -> str | None:
    """Which target holds the classes of what a target tells of; None if it tells of none.

    >>> class_target("boxes"), class_target("mask"), class_target("depth")
    ('classes', 'mask', None)
    """
    if target in CLASS_TARGETS:
        return target
    kind = KINDS[target].name if target in KINDS else ""
    return OBJECTS if kind in ("boxes", "per_box", "keypoints") else None


def make_network(
    recipe: Recipe, dataset: Dataset, sources: Mapping[str, Dataset] | None = None
) -> Network:
    """The network, without parameters; see `make_heads`."""
    return network_of(recipe.model, make_heads(recipe.model, dataset, sources))


def network_of(model: Model, heads: Sequence[Head]) -> Network:
    """The network, with heads that are made."""
    return Network(
        model.backbone, heads, settings=model.settings, output_stride=model.output_stride
    )
