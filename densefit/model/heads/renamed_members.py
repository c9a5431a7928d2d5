"""Members of heads under their former names: readable, with a DeprecationWarning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

RENAMED: Mapping[str, str] = {
    "truth": "ground_truth",
    "judged": "filter_prediction",
    "labelled": "is_labelled",
    "trains": "has_valid_labels",
    "raw": "raw_outputs",
    "finish": "postprocess",
    "views": "view_outputs",
    "merger": "view_merger",
    "combine": "merge_predictions",
    "classes_of": "class_target",
    "some_of": "class_subset",
    "told": "dataset_settings",
    "numbered_classes": "target_classes",
    "predicts_parts": "supports_crops",
    "yes_or_no": "is_multilabel",
    "learn": "set_class_names",
}


class FormerName:
    """A class attribute that reads and writes a renamed member, with a DeprecationWarning.

    Args:
        old: former name.
        new: present name.
        value: the member as the class defines it, so that `super().old(...)` finds the parent's.
    """

    def __init__(self, old: str, new: str, value: Any) -> None:
        self.old, self.new, self.value = old, new, value

    def __get__(self, instance: Any, owner: type) -> Any:
        self._warn(owner)
        if instance is not None and self.new in vars(instance):
            return vars(instance)[self.new]
        bind = getattr(type(self.value), "__get__", None)
        return self.value if bind is None else bind(self.value, instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        self._warn(type(instance))
        setattr(instance, self.new, value)

    def _warn(self, owner: type) -> None:
        warnings.warn(
            f"{owner.__name__}.{self.old} is now called {self.new}",
            DeprecationWarning,
            stacklevel=3,
        )


class RenamedMembers:
    """Base class whose subclasses may still define and use members by their former names."""

    #: Present name -> the name under which a checkpoint's identity holds the attribute.
    first_names: ClassVar[Mapping[str, str]] = {new: old for old, new in RENAMED.items()}

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        for old, new in RENAMED.items():
            definition = _definition(cls, old, new)
            if definition is None:
                continue
            owner, name = definition
            value = vars(owner)[name]
            if name == old:
                warnings.warn(
                    f"{owner.__name__}.{old} is now called {new}: rename it in {owner.__module__}",
                    DeprecationWarning,
                    stacklevel=3,
                )
                setattr(cls, new, value)
            setattr(cls, old, FormerName(old, new, value))


def _definition(cls: type, old: str, new: str) -> tuple[type, str] | None:
    """The class that defines a member for `cls`, and the name it has there; None if none does."""
    for owner in cls.__mro__:
        members = vars(owner)
        if old in members and not isinstance(members[old], FormerName):
            return owner, old
        if new in members:
            return owner, new
    return None
