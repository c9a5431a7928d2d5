"""Class names of a network in its checkpoints."""

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
    """Return head -> target -> class names, for the classes that have names."""
    names_by_head = {}
    for head in network.heads:
        lists = {
            target: list(names)
            for target, names in head_lists(head).items()
            if not are_numbers(names)
        }
        if lists:
            names_by_head[head.name] = lists
    return names_by_head


def saved_names(content: Any) -> Names:
    """Return a checkpoint's class names; for an older one, from the network's spec."""
    if not isinstance(content, Mapping):
        return {}
    if isinstance(content.get("names"), Mapping):
        return dict(content["names"])
    if not isinstance(content.get("network"), Mapping):
        return {}
    try:
        return names_of(Network.from_spec(content["network"]))
    except (DensefitError, KeyError, TypeError, ValueError, AttributeError):
        return {}  # reported where the network is built


def take_saved_names(network: Network, saved: Names, where: object) -> None:
    """Give a network a checkpoint's class names, and check those that it has.

    A head that was made with a number of classes takes the checkpoint's names. Renamed classes
    are logged.

    Raises:
        CheckpointError: a class has another index in the checkpoint.
    """
    for head in network.heads:
        class_lists = type(head).class_lists(head)
        for target, names in saved.get(head.name, {}).items():
            now = class_lists.get(target)
            if now is None or are_numbers(names) or list(now) == list(names):
                continue
            if are_numbers(now):
                head.set_class_names(target, names)
                continue
            moved = [
                name for index, name in enumerate(names) if name in now and now.index(name) != index
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
