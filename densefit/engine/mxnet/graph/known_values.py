"""What is known of a graph's values before it is bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def inner_outputs(
    symbol: Any, shapes: Mapping[str, Any], types: Mapping[str, Any]
) -> dict[tuple[str, int], tuple[tuple[int, ...], Any]]:
    """(node, number of its output) -> (shape, dtype), of all nodes.

    A shape is () where it cannot be told, a dtype None.

    Args:
        symbol: a graph.
        shapes: of its inputs, by name.
        types: dtypes of its inputs, by name; float32 by default.
    """
    inner = symbol.get_internals()
    _, found, _ = inner.infer_shape_partial(**{key: tuple(own) for key, own in shapes.items()})
    known = set(inner.list_arguments())
    given = {**dict.fromkeys(shapes, np.float32), **types}
    _, kinds, _ = inner.infer_type(**{key: own for key, own in given.items() if key in known})
    seen: dict[str, int] = {}
    made = {}
    for number, shape in enumerate(found or ()):
        node = inner[number].name
        output = seen.get(node, 0)
        seen[node] = output + 1
        made[node, output] = tuple(shape or ()), kinds[number] if kinds else None
    return made
