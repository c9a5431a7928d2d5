"""The names of a network's classes in its checkpoints."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.classes.class_lists import are_numbers, head_lists
from densefit.errors import CheckpointError, DensefitError
from densefit.model.network import Network

_log = logging.getLogger("densefit")

Names = Mapping[str, Mapping[str, Sequence[str]]]


def names_of(network: Network) -> dict[str, dict[str, list[str]]]:
    """Head -> target -> names of its classes; of those that have names."""
    found = {}
    for head in network.heads:
        lists = {
            target: list(names)
            for target, names in head_lists(head).items()
            if not are_numbers(names)
        }
        if lists:
            found[head.name] = lists
    return found


def saved_names(content: Any) -> Names:
    """The names that a checkpoint tells; those of an older one out of how its network was built."""
    if not isinstance(content, Mapping):
        return {}
    if isinstance(content.get("names"), Mapping):
        return dict(content["names"])
    if not isinstance(content.get("network"), Mapping):
        return {}
    try:
        return names_of(Network.from_spec(content["network"]))
    except (DensefitError, KeyError, TypeError, ValueError, AttributeError):
        return {}  # what is wrong with it is told where it is built


def take_saved_names(network: Network, saved: Names, where: object) -> None:
    """Compare the names of a checkpoint's classes with a network's, which may have none yet.

    A head that was made with a number of classes has the checkpoint's names from now on. Classes
    that were renamed in their places are logged.

    Raises:
        CheckpointError: a class has another number than it had.
    """
    for head in network.heads:
        own = type(head).class_lists(head)
        for target, names in saved.get(head.name, {}).items():
            now = own.get(target)
            if now is None or are_numbers(names) or list(now) == list(names):
                continue
            if are_numbers(now):
                head.set_class_names(target, names)
                continue
            moved = [
                name for place, name in enumerate(names) if name in now and now.index(name) != place
            ]
            if moved:
                raise CheckpointError(
                    f"Classes of the head {head.name!r} have other numbers in the checkpoint",
                    expected=", ".join(names),
                    received=", ".join(now),
                    where=f"{where}, target {target!r}",
                    fix="make the head with the checkpoint's names, in their order; data may have "
                    "any. Or df.surgery.transfer(checkpoint, network), which brings weights by "
                    "name",
                )
            _log.warning(
                "%s: classes of the head %r are called otherwise now: %s, before %s",
                where,
                head.name,
                ", ".join(now),
                ", ".join(names),
            )
