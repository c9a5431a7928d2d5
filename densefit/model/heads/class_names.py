"""Names of a head's classes: matched by name with a dataset's, and with a checkpoint's rows."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from densefit.data.classes.class_lists import Numbered, are_numbers, head_lists
from densefit.errors import ConfigError


class ClassNames:
    """Optional part of a head: names of its classes.

    Attributes:
        learned_names: target -> class names of the dataset that trained the head, for a head that
            was made with a number of classes.
        is_multilabel: whether the labels say yes or no for each class, so that a class may never
            occur.
    """

    class_target: str | None
    spec: dict[str, Any] | None
    learned_names: Mapping[str, Sequence[str]] = MappingProxyType({})
    is_multilabel: ClassVar[bool] = False

    def target_classes(self) -> list[str]:
        """Names of the classes in the target `class_target`, by label value. Default: the head's.

        A head with a subset of them, or in another order, has all of them in its setting `among`.
        """
        names = getattr(self, "classes", ())
        return Numbered(names) if isinstance(names, Numbered) else list(names)

    def class_lists(self) -> dict[str, list[str]]:
        """Target that `encode` reads -> names of its label values, or of its keypoints.

        Datasets are matched by these names: label values are renumbered where they differ.
        """
        names = self.target_classes()
        return {self.class_target: names} if self.class_target is not None and names else {}

    def names(self, target: str) -> list[str]:
        """Class names of a target: the head's, or those of the dataset that trained it."""
        return head_lists(self)[target]

    def set_class_names(self, target: str, names: Sequence[str]) -> None:
        """Keep a dataset's class names, for a head that was made with a number of classes."""
        self.learned_names = {**self.learned_names, target: list(names)}
        if self.spec is not None:  # the network's, which checkpoints keep
            self.spec["names"] = self.learned_names

    def class_rows(self) -> dict[str, list[Any]]:
        """Parameter -> the class of each of its rows (axis 0), for rows that belong to a class.

        `transfer` copies rows by class, also from a network with other classes or another order.
        """
        return {}


def class_names(classes: int | Sequence[str]) -> list[str]:
    """Names of a head's classes, from names or their number.

    >>> class_names(3), class_names(("cat", "dog"))
    (['0', '1', '2'], ['cat', 'dog'])

    Raises:
        ConfigError: anything else, such as a single string.
    """
    wrong = isinstance(classes, (str, bytes, bool))
    if not wrong and hasattr(classes, "__index__") and np.ndim(classes) == 0:
        return Numbered([str(index) for index in range(operator.index(classes))])
    if wrong or not isinstance(classes, Iterable):
        raise ConfigError(
            "Classes are names, or how many",
            expected="a list of texts, or a whole number",
            received=repr(classes),
        )
    if isinstance(classes, Numbered):
        return Numbered(classes)
    return [str(name) if isinstance(name, str) else name for name in classes]


def named_rows(names: Sequence[Any], *layers: str) -> dict[str, list[Any]]:
    """`Head.class_rows` of layers with one row per name; empty for numbers in place of names.

    >>> named_rows(["cat", "dog"], "a_class")
    {'a_class_weight': ['cat', 'dog'], 'a_class_bias': ['cat', 'dog']}
    """
    if are_numbers(names):
        return {}
    return {f"{layer}_{part}": list(names) for layer in layers for part in ("weight", "bias")}
