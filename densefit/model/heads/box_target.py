"""Heads of boxes that may learn other boxes than `boxes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from densefit.data.geometry.box_members import BOXES, declare_boxes, member_name, member_names
from densefit.data.geometry.target_kinds import KINDS, MEMBERS
from densefit.errors import ConfigError, located
from densefit.model.heads.head import Head


class BoxTarget(Head):
    """A head of boxes, with a setting `target`: the name of the boxes that it learns.

    The head itself reads `boxes`, `classes` and so on: loaders and scores give it the samples with
    these names for its boxes, where they also map class indices (`TargetMapping`).

    Attributes:
        box_target: name of the boxes.
    """

    box_target: str = BOXES

    def learn_boxes(self, target: str) -> None:
        """Learn the boxes of this name; `targets`, `terms` and `class_target` change with it.

        Raises:
            ConfigError: the name is not one of boxes.
        """
        if target == BOXES:
            return
        _check(target, self.name)
        with located(f"head {self.name!r}, target {target!r}"):
            declare_boxes(target)
        names = member_names(target)
        self.box_target = target
        self.targets = tuple(names.get(name, name) for name in self.targets)
        self.terms = {
            name: replace(term, targets=tuple(names.get(each, each) for each in term.targets))
            for name, term in self.terms.items()
        }
        self.class_target = names.get(str(self.class_target), self.class_target)

    @classmethod
    def class_source(cls, settings: Mapping[str, Any]) -> str | None:
        """The classes of the boxes that the setting `target` names."""
        return member_name(str(settings.get("target", BOXES)), str(cls.class_target))

    @classmethod
    def attribute_prefix(cls, settings: Mapping[str, Any]) -> str:
        """Names of what belongs to the boxes begin so: `room_keypoint_names` of `room_boxes`."""
        return member_name(str(settings.get("target", BOXES)), "")


def _check(target: object, head: str) -> None:
    """Raise ConfigError unless a target may be boxes."""
    kind = KINDS.get(target) if isinstance(target, str) else None
    roles = [role for role in MEMBERS if str(target) == role or str(target).endswith(f"_{role}")]
    if not isinstance(target, str) or not target or roles or (kind and kind.name != "boxes"):
        stem = str(target).removesuffix(roles[0]) if roles else "room_"
        raise ConfigError(
            f"The target of the head {head!r} is no name of boxes",
            expected=f'the boxes that it learns, such as "room_boxes": {", ".join(MEMBERS)} go '
            "with them under names that begin alike",
            received=repr(target),
            where=f"head {head!r}",
            fix=f'target="{stem}{BOXES}"',
        )
