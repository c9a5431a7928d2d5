"""What a training is made of, and what differs when another one continues from its checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from densefit.errors import CheckpointError

#: What decides which samples the rest of an epoch consists of.
ORDER = ("batch_size", "accumulate", "seed", "data", "loader", "updates_per_epoch")

_LONG = 120  # characters of a value that is told

#: What only a densefit Loader tells.
_OF_LOADERS = ("data", "loader", "validation")


def differences(saved: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Name -> (saved, own) of what differs; None is a value: a schedule, say, was added.

    What an older checkpoint does not name is passed over. Heads, which are dicts by name, are
    compared one by one, as "head <name>".

    >>> differences({"seed": 0, "heads": {"a": 1}}, {"seed": 1, "heads": {"a": 1, "b": 2}})
    {'seed': (0, 1), 'head b': (None, 2)}
    """
    found = {
        name: (saved[name], own[name])
        for name in own
        if name != "heads" and name in saved and saved[name] != own[name]
    }
    if {"batch_size", "accumulate", "data"} & {*found} or None in found.get(
        "updates_per_epoch", ()
    ):
        found.pop("updates_per_epoch", None)  # follows from these, or is not known yet
    before, now = saved.get("heads"), own.get("heads")
    if before is not None and now is not None:
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                found[f"head {name}"] = before.get(name), now.get(name)
    return found


def check_same_heads(saved: Mapping[str, Any], own: Mapping[str, Any], where: object) -> None:
    """Raise CheckpointError if a training has heads that the checkpoint's has not, or lacks some.

    Args:
        saved: its identity.
        own: the training's.
        where: the checkpoint.
    """
    before, now = saved.get("heads"), own.get("heads")
    if before is None or now is None or set(before) == set(now):
        return
    added = ", ".join(name for name in now if name not in before) or "none"
    missing = ", ".join(name for name in before if name not in now) or "none"
    raise CheckpointError(
        "The checkpoint is of a network with other heads: its training cannot go on with this one",
        expected=f"heads {', '.join(before)}",
        received=f"heads {', '.join(now)} (new: {added}; missing: {missing})",
        where=where,
        fix="to begin a new training with its weights: df.transfer(checkpoint, network), and fit "
        "without resume, into another directory",
    )


def check_order(differing: Mapping[str, tuple[Any, Any]], where: object) -> None:
    """Raise CheckpointError if the rest of an epoch would not be the rest of the one begun.

    Args:
        differing: what `differences` gave.
        where: the checkpoint.
    """
    wrong = {name: pair for name, pair in differing.items() if name in ORDER}
    if wrong:
        raise CheckpointError(
            f"The checkpoint is of the middle of an epoch with another {', '.join(wrong)}",
            expected=", ".join(f"{n} {apart(*pair, n)[0]}" for n, pair in wrong.items()),
            received=", ".join(f"{n} {apart(*pair, n)[1]}" for n, pair in wrong.items()),
            where=where,
            fix="continue with what it was, or from a checkpoint of an epoch's end",
        )


def apart(before: Any, now: Any, name: str = "") -> tuple[str, str]:
    """Two values in an error or a warning; of long ones what differs, from the first of it on.

    >>> apart(0.5, None)
    ('0.5', 'none')
    >>> long = "{dataset: [" + 40 * "row, " + "], seed: %d}"
    >>> apart(long % 1, long % 2)
    ('...seed: 1}', '...seed: 2}')

    Args:
        before: of the checkpoint.
        now: of the training.
        name: of the setting.
    """
    if not isinstance(before, str) or not isinstance(now, str):
        return told(before, name), told(now, name)
    texts = [" ".join(text.split()) for text in (before, now)]
    if max(map(len, texts)) <= _LONG:
        return texts[0], texts[1]
    alike = os.path.commonprefix(texts)
    first = max(alike.rfind(", ") + 2, alike.rfind("{") + 1, 0)  # a setting is told by its name
    return _from(texts[0], first), _from(texts[1], first)


def _from(text: str, first: int) -> str:
    end = "..." if len(text) > first + _LONG else ""
    return f"{'...' if first > 1 else ''}{text[first : first + _LONG]}{end}"


def told(value: Any, name: str = "") -> str:
    """A value in an error or a warning.

    >>> told({"samples": 12, "sha256": "0123456789abcdef"}), told(None), told(0.5)
    ('12 samples, sum 01234567', 'none', '0.5')

    Args:
        value: of a setting.
        name: of the setting.
    """
    if value is None and name in _OF_LOADERS:
        return "not known (none, or no densefit Loader)"
    if isinstance(value, Mapping) and "sha256" in value:
        return f"{value['samples']} samples, sum {value['sha256'][:8]}"
    text = "none" if value is None else str(value)
    return text if len(text) < 300 else f"{text[:300]}..."
