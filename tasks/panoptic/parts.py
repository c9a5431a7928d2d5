"""Parts of a head: prefixes of names, and a merger of the parts' views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from densefit.data.loader.views import View
from densefit.model.tta.view_merger import Merger

Value = TypeVar("Value")


def add_prefixes(parts: Mapping[str, Mapping[str, Value]]) -> dict[str, Value]:
    """Merge the parts' dicts, with each part's name as a prefix.

    >>> add_prefixes({"a": {"x": 1}, "b": {"x": 2}})
    {'a_x': 1, 'b_x': 2}
    """
    return {
        f"{part}_{name}": value for part, named in parts.items() for name, value in named.items()
    }


def strip_prefix(part: str, whole: Mapping[str, Value]) -> dict[str, Value]:
    """The entries of one part, without its prefix.

    >>> strip_prefix("b", {"a_x": 1, "b_x": 2})
    {'x': 2}
    """
    start = f"{part}_"
    return {name[len(start) :]: v for name, v in whole.items() if name.startswith(start)}


class PartsMerger(Merger):
    """Merge the views of each part, then combine the parts' predictions.

    Args:
        mergers: merger of each part, by name.
        combine: predictions of the parts by name -> prediction.
    """

    def __init__(
        self, mergers: Mapping[str, Merger], combine: Callable[[Mapping[str, Any]], Any]
    ) -> None:
        self._mergers, self._combine = mergers, combine

    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        for part, merger in self._mergers.items():
            merger.add(strip_prefix(part, outputs), view)

    def result(self) -> Any:
        return self._combine({part: each.result() for part, each in self._mergers.items()})
