"""Types of a dataclass's fields, looked up once: a command line asks for each hundreds of times."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, get_type_hints


def hints_of(kind: Any) -> Mapping[str, Any]:
    """Return name of a field -> its type, as `typing.get_type_hints` evaluates it."""
    return _evaluated(kind)


@lru_cache(maxsize=1000)
def _evaluated(kind: Any) -> Mapping[str, Any]:
    return MappingProxyType(get_type_hints(kind))
