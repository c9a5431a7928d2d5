"""Names of samples and datasets for errors; looking up a name never fails."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from densefit.data.wrapped import named_classes

_LONGEST = 200  # characters of a dataset's repr


def sample_id(dataset: Any, index: int) -> str:
    """Id of a sample as a string; its index if the dataset has no `id_of`, or if that fails.

    >>> sample_id(["a", "b"], 1)
    '1'
    """
    id_of = getattr(dataset, "id_of", None)
    if id_of is None:
        return str(index)
    try:
        return str(id_of(index))
    except Exception:  # a failing name must not hide the error about the sample
        return str(index)


def dataset_name(dataset: Any) -> str:
    """Name of a dataset for errors: its repr, or its class if that is an address or very long.

    A wrapper that only passes samples through, e.g. a cache, has the name of the wrapped dataset.

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
    """Key of a dataset in `densefit.once`: its name, or the object itself if it has none."""
    name = dataset_name(dataset)
    named = name not in (type(dataset).__qualname__, "") and not isinstance(dataset, (list, tuple))
    return name if named else _Same(dataset)


class _Same:
    """Compare by identity, without keeping the object alive."""

    def __init__(self, dataset: Any) -> None:
        self._id = id(dataset)
        try:
            self._ref: Any = weakref.ref(dataset)
        except TypeError:  # e.g. a list
            self._ref = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same) or self._id != other._id:
            return False
        return self._ref is None or (other._ref is not None and self._ref() is other._ref())

    def __hash__(self) -> int:
        return self._id


def dataset_classes(dataset: Any, target: str) -> list[str]:
    """Class names of a target: its `classes_attribute`, else `classes`, else an empty list.

    Attributes of a wrapped dataset count too.
    """
    names = named_classes(dataset, target)
    return list(names) if isinstance(names, Iterable) else []
