"""Comparison of a training's settings with the settings saved in its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from os.path import commonprefix
from typing import Any

from densefit.checkpoint.training.differing import differing
from densefit.errors import CheckpointError
from densefit.old_paths import in_new_paths

#: Settings that decide which samples the rest of an epoch reads.
ORDER = ("batch_size", "accumulate", "seed", "data", "loader", "updates_per_epoch")

_SHORT = 100  # characters up to which a setting is shown in full

#: Settings that only a densefit Loader provides.
_OF_LOADERS = ("data", "loader", "validation")
_LONG = 300  # characters of a value to show


def differences(
    saved: Mapping[str, Any],
    present: Mapping[str, Any],
    earlier: Callable[[], Mapping[str, Any]] = dict,
) -> dict[str, tuple[Any, Any]]:
    """Find the settings that differ: name -> (saved, present); None is a value (no schedule).

    Settings that an older checkpoint lacks are skipped. Heads, which are dicts by name, are
    compared one by one, as "head <name>".

    >>> differences({"seed": 0, "heads": {"a": 1}}, {"seed": 1, "heads": {"a": 1, "b": 2}})
    {'seed': (0, 1), 'head b': (None, 2)}

    Args:
        saved: identity in the checkpoint.
        present: identity of the training.
        earlier: returns the training's identity as an earlier version wrote it; its texts count
            as equal.
    """
    saved = _in_new_paths(saved)
    present = _in_the_same_words(saved, present, earlier)
    differing = {
        name: (saved[name], present[name])
        for name in present
        if name != "heads" and name in saved and saved[name] != present[name]
    }
    if {"batch_size", "accumulate", "data"} & {*differing} or None in differing.get(
        "updates_per_epoch", ()
    ):
        differing.pop("updates_per_epoch", None)  # follows from these, or is still unknown
    before, now = saved.get("heads"), present.get("heads")
    if before is not None and now is not None:
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                differing[f"head {name}"] = before.get(name), now.get(name)
    return differing


def _in_new_paths(value: Any) -> Any:
    """Replace former module paths by the present ones."""
    if isinstance(value, str):
        return in_new_paths(value)
    if isinstance(value, Mapping):
        return {key: _in_new_paths(setting) for key, setting in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_in_new_paths(setting) for setting in value)
    return value


def _in_the_same_words(
    saved: Mapping[str, Any], present: Mapping[str, Any], before: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """Replace present texts by an earlier version's where these are more like the checkpoint's."""
    if all(name not in saved or saved[name] == present[name] for name in present):
        return dict(present)
    earlier = before()
    nearest = {
        name: _nearest(saved[name], value, earlier[name])
        for name, value in present.items()
        if name in saved and name in earlier
    }
    heads, earlier_heads = saved.get("heads"), earlier.get("heads")
    if heads and earlier_heads:
        nearest["heads"] = {
            name: _nearest(heads.get(name), text, earlier_heads.get(name))
            for name, text in present["heads"].items()
        }
    return {**present, **nearest}


def _nearest(saved: Any, present: Any, earlier: Any) -> Any:
    """Return the text that is more like the checkpoint's; `present` if they are not texts."""
    if not all(isinstance(text, str) for text in (saved, present, earlier)):
        return present
    return max(
        (present, earlier), key=lambda text: (text == saved, len(commonprefix([text, saved])))
    )


def are_of_other_scores(differing: Container[str]) -> bool:
    """Return whether scores before and after a resume are not comparable.

    Args:
        differing: names of the settings that differ.
    """
    return "validation" in differing or "derived" in differing


def check_same_heads(saved: Mapping[str, Any], present: Mapping[str, Any], where: object) -> None:
    """Raise CheckpointError if the training and the checkpoint have different heads.

    Args:
        saved: identity in the checkpoint.
        present: identity of the training.
        where: path of the checkpoint.
    """
    before, now = saved.get("heads"), present.get("heads")
    if before is None or now is None or set(before) == set(now):
        return
    added = ", ".join(name for name in now if name not in before) or "none"
    missing = ", ".join(name for name in before if name not in now) or "none"
    raise CheckpointError(
        "The checkpoint is of a network with other heads: its training cannot go on with this one",
        expected=f"heads {', '.join(before)}",
        received=f"heads {', '.join(now)} (new: {added}; missing: {missing})",
        where=where,
        fix="to begin a new training with its weights: df.surgery.transfer(checkpoint, network), "
        "and fit without resume, into another directory",
    )


def check_order(differing: Mapping[str, tuple[Any, Any]], where: object) -> None:
    """Raise CheckpointError if a resume in mid-epoch would read other samples.

    Args:
        differing: as `differences` returns them.
        where: path of the checkpoint.
    """
    wrong = {name: pair for name, pair in differing.items() if name in ORDER}
    if wrong:
        raise CheckpointError(
            f"The checkpoint is of the middle of an epoch with another {', '.join(wrong)}",
            expected=", ".join(f"{n} {shown_difference(*pair, n)[0]}" for n, pair in wrong.items()),
            received=", ".join(f"{n} {shown_difference(*pair, n)[1]}" for n, pair in wrong.items()),
            where=where,
            fix="continue with what it was, or from a checkpoint of an epoch's end",
        )


def shown_difference(before: Any, now: Any, name: str = "") -> tuple[str, str]:
    """Format two values of a setting; long texts are reduced to the parts that differ.

    Args:
        before: value in the checkpoint.
        now: value of the training.
        name: name of the setting.
    """
    has_sum = any(isinstance(value, Mapping) and "sha256" in value for value in (before, now))
    if has_sum or before is None or now is None or len(f"{before}{now}") <= 2 * _SHORT:
        return fingerprint_text(before, name), fingerprint_text(now, name)
    return differing(str(before), str(now))


def fingerprint_text(value: Any, name: str = "") -> str:
    """Format a value of a setting for an error or a warning.

    >>> fingerprint_text({"samples": 12, "sha256": "0123456789abcdef"}), fingerprint_text(0.5)
    ('12 samples, sum 01234567', '0.5')

    Args:
        value: value of the setting.
        name: name of the setting.
    """
    if value is None and name in _OF_LOADERS:
        return "not known (none, or no densefit Loader)"
    if isinstance(value, Mapping) and "sha256" in value:
        return f"{value['samples']} samples, sum {value['sha256'][:8]}"
    text = "none" if value is None else str(value)
    return text if len(text) < _LONG else f"{text[:_LONG]}..."
