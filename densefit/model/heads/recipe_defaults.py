"""Settings of a head that a recipe takes from its dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class RecipeDefaults:
    """Optional part of a head: settings that a recipe need not state.

    Attributes:
        class_target: the target whose classes are the head's setting `classes`: a recipe takes the
            dataset's `<target>_classes`, or `classes` where it has no such list ("classes": those
            of objects). None: a recipe has to state them. See `class_source`.
        class_subset: for a head that may have a subset of these classes: the dataset's attribute
            that lists the subset, e.g. "keypoint_classes", if it has one. The setting `among` then
            gets all classes; see `target_classes`.
        dataset_settings: further settings to take from the dataset: setting -> attribute of the
            dataset. None of them is taken if the recipe states one of them.
    """

    class_target: str | None = None
    class_subset: str | None = None
    dataset_settings: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def class_source(cls, settings: Mapping[str, Any]) -> str | None:
        """`class_target` of a head with these settings: its setting `target`, if it has one."""
        return None if cls.class_target is None else settings.get("target", cls.class_target)

    @classmethod
    def attribute_prefix(cls, settings: Mapping[str, Any]) -> str:
        """How the dataset's attributes begin that a head with these settings takes. Default: ""."""
        return ""
