"""How errors name a sample and its dataset; asking for a name never fails."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from densefit.data.wrapped import named_classes

_LONGEST = 200  # characters of a dataset's repr


def sample_id(dataset: Any, index: int) -> str:
    """The id of a sample as a text; its index in a dataset without `id_of`, or whose `id_of` fails.

    >>> sample_id(["a", "b"], 1)
    '1'
    """
    id_of = getattr(dataset, "id_of", None)
    if id_of is None:
        return str(index)
    try:
        return str(id_of(index))
    except Exception:  # an error about a sample must not be lost for the sample's name
        return str(index)


def dataset_name(dataset: Any) -> str:
    """A dataset as errors name it: its repr, or its class where that is an address or very long.

    One that only passes another's through, as a cache, has the other's name.

    >>> dataset_name([1, 2, 3])
    'a list of 3 samples'
    """
    kind = type(dataset).__qualname__
    if isinstance(dataset, (list, tuple)):  # its repr holds every pixel
        return f"a {kind} of {len(dataset)} samples"
    try:
        text = repr(dataset)
    except Exception:
        text = " at 0x"
    if " at 0x" not in text and len(text) <= _LONGEST:
        return text
    inner = getattr(dataset, "__dict__", {}).get("dataset")
    if inner is None or inner is dataset:
        return kind
    name = dataset_name(inner)
    return name if type(inner).__qualname__ in text else f"{kind} of {name}"


def dataset_key(dataset: Any) -> object:
    """What tells a dataset from others in `densefit.once`: its name, or itself without one."""
    name = dataset_name(dataset)
    named = name not in (type(dataset).__qualname__, "") and not isinstance(dataset, (list, tuple))
    return name if named else _Same(dataset)


class _Same:
    """Equal for one object alone, as long as that lives."""

    def __init__(self, one: Any) -> None:
        self._id = id(one)
        try:
            self._one: Any = weakref.ref(one)
        except TypeError:  # a list, say
            self._one = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same) or self._id != other._id:
            return False
        return self._one is None or (other._one is not None and self._one() is other._one())

    def __hash__(self) -> int:
        return self._id


def dataset_classes(dataset: Any, target: str) -> list[str]:
    """Names of a target's classes: `<target>_classes` of the dataset, else `classes`, else none.

    Its own ones, or those of the dataset that it wraps.
    """
    names = named_classes(dataset, target)
    return list(names) if isinstance(names, Iterable) else []
